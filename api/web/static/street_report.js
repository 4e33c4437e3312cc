"use strict";
/* What is amiss in the streets: counts, the list with what to do, and each defect on the map. */

(() => {
  const MOST_ROWS = 200;
  const COLOURS = {
    "street-island": "#7a3b9c", "street-dangling": "#d7191c", "street-crossing": "#e08214", "snapped-far": "#2166ac",
    unreachable: "#1c2733", "barrier-idle": "#1b7837",
  };
  const part = (name) => document.getElementById(name);
  const { chosen, kinds } = wangge.config;
  const title = (kind) => wangge.say(kinds[kind][0], kinds[kind][1]);
  const advice = (kind) => wangge.say(kinds[kind][2], kinds[kind][3]);
  const map = wangge.planningMap();
  const group = L.featureGroup().addTo(map);

  const asked = () => ({ kind: part("kind").value, dangling_m: part("dangling_m").value, snapped_m: part("snapped_m").value });

  const card = (row) => wangge.make("div", {}, wangge.make("h3", {}, title(row.kind)), wangge.make("div", { class: "code" }, row.codes.split(" ").slice(0, 6).join(" ")),
    wangge.make("p", {}, row.message), wangge.make("p", { class: "hint" }, advice(row.kind)));

  const size = (row) => (row.unit === "m" ? `${wangge.number(row.size, row.size < 10 ? 2 : 0)} m` : "—");

  const go = (row) => {
    map.setView([row.lat, row.lon], 18, { animate: false });
    wangge.popup(map, [row.lat, row.lon], card(row));
  };

  const draw = (features) => {
    group.clearLayers();
    for (const { geometry, properties: row } of features) {
      const colour = COLOURS[row.kind];
      if (geometry.type !== "Point") L.geoJSON(geometry, { style: { color: colour, weight: 4 } }).on("click", () => go(row)).addTo(group);
      L.circleMarker([row.lat, row.lon], { radius: 6, color: "#fff", weight: 1.5, fillColor: colour, fillOpacity: 0.95 }).on("click", () => go(row)).addTo(group);
    }
  };

  const describe = (rows, revision) => {
    const counts = rows.reduce((all, row) => ({ ...all, [row.kind]: (all[row.kind] || 0) + 1 }), {});
    return [
      wangge.make("ul", { class: "legend" }, Object.keys(kinds).filter((kind) => counts[kind]).map((kind) => wangge.make("li", {},
        wangge.make("span", { class: "swatch", style: { background: COLOURS[kind] } }), title(kind), wangge.make("span", { class: "count" }, wangge.number(counts[kind]))))),
      rows.length
        ? wangge.make("div", { class: "table-wrap" }, wangge.table([
          { title: wangge.say("问题", "Kind"), value: (row) => wangge.make("button", { type: "button", class: "link", onclick: () => go(row) }, title(row.kind)) },
          { title: wangge.say("编码", "Codes"), value: (row) => row.codes.split(" ").slice(0, 3).join(" ") },
          { title: wangge.say("大小", "Size"), number: true, value: size },
        ], rows.slice(0, MOST_ROWS)))
        : wangge.make("p", { class: "note good" }, wangge.say("没有发现问题。", "Nothing is amiss.")),
      wangge.make("p", { class: "hint" }, wangge.say(
        `修订 ${revision}；共 ${wangge.number(rows.length)} 处${rows.length > MOST_ROWS ? `，列出前 ${MOST_ROWS} 处，其余请下载` : ""}。`,
        `Revision ${revision}; ${wangge.number(rows.length)} in all${rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} listed: download the rest` : ""}.`)),
    ];
  };

  const check = async () => {
    const question = asked();
    part("downloads").replaceChildren(wangge.make("span", { class: "label" }, wangge.say("下载", "Download")), " ",
      ...["csv", "xlsx", "geojson", "json"].flatMap((format) => [wangge.make("a", { href: wangge.address("/api/streets/report", { ...question, format }) }, format.toUpperCase()), " "]));
    part("result").replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在检查…", "Checking…")));
    try {
      const found = await wangge.fetchJson(wangge.address("/api/streets/report", { ...question, format: "geojson" }));
      draw(found.features);
      part("result").replaceChildren(...describe(found.features.map(({ properties }) => properties), found.revision));
      return found.features;
    } catch (problem) {
      part("result").replaceChildren(wangge.problemBox(problem));
      return [];
    }
  };

  part("report-form").addEventListener("submit", (event) => { event.preventDefault(); check(); });
  check().then((features) => {
    const near = chosen.near.split(",").map(Number);
    if (near.length !== 2 || !near.every(Number.isFinite)) return;
    const found = features.find(({ properties }) => Math.abs(properties.lon - near[0]) < 2e-6 && Math.abs(properties.lat - near[1]) < 2e-6);
    if (found) go(found.properties);
    else map.setView([near[1], near[0]], 17, { animate: false });
  });
})();
