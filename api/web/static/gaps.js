"use strict";
/* The planner's gaps: land on the map, lists beside it, files and reports to take away. */

(() => {
  const SHOWN = 200;
  const COLOURS = { partial: "#f59f3a", uncovered: "#d7191c", unreachable: "#4d5863" };
  const STATUSES = wangge.chinese
    ? { partial: "部分覆盖", uncovered: "未覆盖", unreachable: "无法到达" }
    : { partial: "Partial", uncovered: "Uncovered", unreachable: "Unreachable" };
  const REASONS = wangge.chinese
    ? { "no-street": "附近没有道路", island: "附近道路不与路网相连", "no-facility": "没有这类设施", "not-connected": "没有道路通到这类设施" }
    : { "no-street": "no street near", island: "streets near are not joined to the network", "no-facility": "there is none of this type", "not-connected": "no street leads to one" };
  const form = document.getElementById("gaps-form");
  const result = document.getElementById("result");
  const map = wangge.planningMap();
  const land = L.geoJSON(null, {
    style: { color: "#c2410c", weight: 1.2, fillColor: "#c2410c", fillOpacity: 0.28 },
    onEachFeature: ({ properties }, layer) => layer.on("click", (event) => wangge.popup(map, event.latlng, card(properties))),
  }).addTo(map);
  const homes = L.geoJSON(null, {
    pointToLayer: (feature, at) => L.circleMarker(at, { radius: 5 }),
    style: ({ properties }) => ({ color: "#fff", weight: 0.8, fillColor: COLOURS[properties.status], fillOpacity: 0.9 }),
    onEachFeature: ({ properties }, layer) => layer.on("click", (event) => wangge.popup(map, event.latlng, homeCard(properties))),
  }).addTo(map);
  const dots = L.layerGroup().addTo(map);
  let running = null;
  let list = "gaps";

  const query = (more = {}) => ({ ...Object.fromEntries(new FormData(form)), lang: "", ...more });

  const walk = ({ walk_minutes: minutes, walk_m: metres, reason }) => (reason ? REASONS[reason] || reason
    : wangge.say(`${wangge.number(minutes, 1)} 分钟（${wangge.number(metres)} 米）`, `${wangge.number(minutes, 1)} min (${wangge.number(metres)} m)`));

  const card = (gap) => wangge.make("div", {}, wangge.make("h3", {}, `#${gap.gap} ${gap.name}`), wangge.make("div", { class: "code" }, gap.code), wangge.facts([
    [wangge.say("圈外", "Outside"), wangge.number(gap.outside)],
    [wangge.say("小区", "Compounds"), wangge.number(gap.compounds)],
    [wangge.say("面积", "Area"), `${wangge.number(gap.area_m2 / 1e4, 1)} ${wangge.say("公顷", "ha")}`],
  ]));

  const homeCard = (home) => wangge.make("div", {}, wangge.make("h3", {}, home.name), wangge.make("div", { class: "code" }, home.code), wangge.facts([
    [wangge.say("状态", "Status"), STATUSES[home.status]],
    [wangge.say("圈外", "Outside"), `${wangge.number(home.outside)} / ${wangge.number(home.demand)}`],
    [wangge.say("步行到最近设施", "Walk to the nearest"), walk(home)],
    [wangge.say("区域", "Area"), home.area_name],
  ]));

  const load = async () => {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    for (const link of form.querySelectorAll("[data-gaps]")) {
      link.href = wangge.address("/api/coverage/gaps", query({ format: link.dataset.gaps, list: link.dataset.list }));
    }
    for (const link of form.querySelectorAll("[data-report]")) {
      link.href = wangge.address("/api/coverage/report", query({ format: link.dataset.report, lang: wangge.config.language }));
    }
    document.getElementById("to-siting").href = wangge.page("/siting", query());
    history.replaceState(null, "", wangge.page("/gaps", query()));
    result.setAttribute("aria-busy", "true");
    result.replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在计算…", "Computing…")));
    try {
      const asked = (name) => wangge.fetchJson(wangge.address("/api/coverage/gaps", query({ format: "geojson", list: name })), { signal });
      const [gaps, compounds, areas] = await Promise.all(["gaps", "compounds", "areas"].map(asked));
      const note = await wangge.facilityDots(map, dots, query().facility_type);
      land.clearLayers().addData(gaps);
      homes.clearLayers().addData(compounds);
      dots.remove().addTo(map);
      show({ gaps, compounds, areas, note });
      wangge.tell(map, null);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      for (const group of [land, homes, dots]) group.clearLayers();
      result.replaceChildren(wangge.problemBox(problem));
    }
    result.removeAttribute("aria-busy");
  };

  const show = (found) => {
    const areas = found.areas.features.map(({ properties }) => properties);
    const sum = (key) => areas.reduce((total, row) => total + row[key], 0);
    const lists = wangge.make("div", { class: "segments" }, [["gaps", wangge.say("空白区", "Gaps"), found.gaps], ["compounds", wangge.say("圈外小区", "Compounds"), found.compounds]]
      .map(([name, title, { features }]) => wangge.make("label", {},
        wangge.make("input", { type: "radio", name: "list", value: name, checked: name === list, onchange: () => { list = name; show(found); } }),
        wangge.make("span", {}, `${title} ${wangge.number(features.length)}`))));
    const chosen = found[list].features;
    const parts = [
      wangge.figures([
        [wangge.say("圈外", "Outside"), wangge.number(sum("outside"))],
        [wangge.say("圈外占比", "Share outside"), wangge.percent(sum("outside") / sum("demand"))],
        [wangge.say("圈外土地", "Land outside"), `${wangge.number(sum("gap_m2") / 1e6, 2)} km²`],
      ]),
      lists,
      wangge.make("div", { class: "table-wrap tall" }, wangge.table(list === "gaps" ? GAP_COLUMNS : HOME_COLUMNS, chosen.slice(0, SHOWN))),
      chosen.length > SHOWN ? wangge.make("p", { class: "hint" }, wangge.say(`另有 ${chosen.length - SHOWN} 行，见下载。`, `${chosen.length - SHOWN} more are in the files.`)) : null,
      found.note ? wangge.make("p", { class: "hint" }, found.note) : null,
      wangge.make("p", { class: "hint" }, wangge.say(
        `人数与时间按沿道路的精确距离计算；图形取自绘制的可达范围。小于 ${wangge.number(found.gaps.settings.least_m2)} m² 的 ${sum("slivers")} 个细碎图斑只计数；${wangge.number(sum("beside"))} 的圈外人数不在任何图斑内。`,
        `People and times are exact along streets; shapes are of the drawn reach. ${sum("slivers")} slivers below ${wangge.number(found.gaps.settings.least_m2)} m² are only counted; ${wangge.number(sum("beside"))} of those outside lie in no shape.`)),
      wangge.faultList(found.gaps.faults),
    ];
    result.replaceChildren(...parts.filter(Boolean));
  };

  const zoom = (feature, text) => wangge.make("button", { type: "button", class: "link", onclick: () => {
    map.fitBounds(L.geoJSON(feature).getBounds(), { padding: [40, 40], maxZoom: 17 });
  } }, text);

  const GAP_COLUMNS = [
    { title: "#", number: true, value: ({ properties }) => properties.gap },
    { title: wangge.say("区域", "Area"), value: (feature) => zoom(feature, feature.properties.name || feature.properties.code) },
    { title: wangge.say("圈外", "Outside"), number: true, value: ({ properties }) => wangge.number(properties.outside) },
    { title: wangge.say("小区", "Compounds"), number: true, value: ({ properties }) => wangge.number(properties.compounds) },
    { title: wangge.say("公顷", "ha"), number: true, value: ({ properties }) => wangge.number(properties.area_m2 / 1e4, 1) },
  ];
  const HOME_COLUMNS = [
    { title: wangge.say("小区", "Compound"), value: (feature) => zoom(feature, feature.properties.name || feature.properties.code) },
    { title: wangge.say("状态", "Status"), value: ({ properties }) => STATUSES[properties.status] },
    { title: wangge.say("圈外", "Outside"), number: true, value: ({ properties }) => wangge.number(properties.outside) },
    { title: wangge.say("步行", "Walk"), value: ({ properties }) => walk(properties) },
  ];

  form.addEventListener("change", load);
  load();
})();
