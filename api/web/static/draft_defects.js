"use strict";
/* What is wrong in a draft: first what would refuse its publication; all defects of a layer when asked for. */

(() => {
  const WARN = { color: "#8b1a8b", weight: 2.5, opacity: 0.95, fillColor: "#8b1a8b", fillOpacity: 0.25 };
  const UNITS = { m2: "m²", count: "" };
  const part = (name) => document.getElementById(name);

  const sized = ({ size, unit }) => (size === null || size === undefined ? ""
    : `${wangge.number(size, size < 10 ? 2 : 0)} ${UNITS[unit] ?? unit ?? ""}`);

  /** Lists of defects; a click on one looks at its place on a map. */
  wangge.defectLists = (map) => {
    const { kinds, layers } = wangge.config.chosen;
    const marks = L.layerGroup().addTo(map);

    /** Look at a defect: at its box where it has one, else at its place. */
    const show = ({ lon, lat, west, south, east, north }) => {
      marks.clearLayers();
      if (west === null || west === undefined) {
        map.setView([lat, lon], 18, { animate: false });
      } else {
        const box = [[south, west], [north, east]];
        L.rectangle(box, { ...WARN, interactive: false }).addTo(marks);
        map.fitBounds(box, { maxZoom: 19, padding: [80, 80], animate: false });
      }
      L.circleMarker([lat, lon], { ...WARN, radius: 7, interactive: false }).addTo(marks);
      map.getContainer().scrollIntoView({ block: "nearest" });
    };

    const kind = (row) => {
      const text = kinds[row.kind] || row.kind;
      return row.lon === null || row.lon === undefined ? text : wangge.make("button", {
        type: "button", class: "link", title: wangge.say("在地图上看", "Show on the map"), onclick: () => show(row),
      }, text);
    };

    const listed = (rows, further) => wangge.make("div", { class: "table-wrap tall" }, wangge.table([
      { title: wangge.say("种类", "Kind"), value: kind },
      { title: wangge.say("大小", "Size"), number: true, value: sized },
      ...further,
    ], rows));

    /** What is new or larger, and how many that are: more than are listed, perhaps. */
    const worse = (rows, count) => (count ? [
      wangge.make("p", { class: "note bad" }, wangge.say(`${wangge.number(count)} 处缺陷是新增或变大的，会使发布被拒绝。`, `${wangge.number(count)} defects are new or larger: they refuse a publication.`)),
      listed(rows, [
        { title: wangge.say("图层", "Layer"), value: ({ layer }) => layers[layer] || layer },
        { title: wangge.say("编码", "Codes"), value: ({ id }) => wangge.make("span", { class: "code" }, id) },
      ]),
    ] : [wangge.make("p", { class: "note good" }, wangge.say("没有新增或变大的缺陷。", "No defect is new or larger."))]);

    return { listed, worse, clear: () => marks.clearLayers() };
  };

  wangge.draftDefects = (map, address) => {
    const lists = wangge.defectLists(map);
    const busy = (text) => wangge.make("p", { class: "busy" }, text);

    /** List what is new or larger than in the base. */
    const judge = async () => {
      lists.clear();
      part("worse").replaceChildren(busy(wangge.say("正在检查…", "Checking…")));
      part("defects").replaceChildren();
      try {
        const { worse } = await wangge.fetchJson(`${address}/worse`);
        part("worse").replaceChildren(...lists.worse(worse, worse.length));
      } catch (problem) {
        part("worse").replaceChildren(wangge.problemBox(problem));
      }
    };

    /** List every defect of a layer, also those that stood before, with what is suggested. */
    const check = async () => {
      const layer = part("defect-layer").value;
      part("check").disabled = true;
      part("defects").replaceChildren(busy(wangge.say("正在全面检查…", "Checking the whole layer…")));
      try {
        const { rows } = await wangge.fetchJson(wangge.address(`${address}/defects`, { layer }));
        part("defects").replaceChildren(rows.length ? lists.listed(rows, [
          { title: wangge.say("编码", "Codes"), value: ({ codes }) => wangge.make("span", { class: "code" }, codes.slice(0, 4).join(" ") + (codes.length > 4 ? " …" : "")) },
          { title: wangge.say("建议", "Suggested"), value: (row) => wangge.say(row.repair_zh, row.repair_en) },
        ]) : wangge.make("p", { class: "note good" }, wangge.say("这个图层没有缺陷。", "This layer has no defect.")));
      } catch (problem) {
        part("defects").replaceChildren(wangge.problemBox(problem));
      } finally {
        part("check").disabled = false;
      }
    };

    part("check-form").addEventListener("submit", (event) => { event.preventDefault(); check(); });
    return { judge };
  };
})();
