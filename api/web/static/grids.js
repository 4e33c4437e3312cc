"use strict";
/* The map of grids. */

(() => {
  const FILL = { stroke: false, fill: true, fillOpacity: 0.34 };

  /** Outlines of every level over tinted grids, a popup for each, and a search. */
  wangge.grids = async (map) => {
    wangge.tell(map, wangge.say("正在读取边界…", "Reading the boundaries…"), { busy: true });
    let areas;
    try {
      areas = new wangge.Areas(await wangge.data("areas"));
    } catch (problem) {
      wangge.tell(map, problem);
      return;
    }
    wangge.tell(map, areas.byCode.size ? null : wangge.say("尚未导入任何区域。", "No areas have been imported."));
    const lowest = [...wangge.LEVELS].reverse().find((level) => areas.levels[level]);
    if (!lowest) return;
    const tinted = L.geoJSON(areas.levels[lowest], {
      style: (feature) => ({ ...FILL, fillColor: areas.tintOf(feature.properties.code) }),
      onEachFeature: (feature, layer) => layer.on("click", (event) => open(feature.properties.code, event.latlng)),
    }).addTo(map);
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    const chosen = L.geoJSON(null, { interactive: false, style: { color: "#b3261e", weight: 3, fill: false } }).addTo(map);
    const relabel = areas.labels(map, (level) => document.getElementById(`show-${level}`)?.checked ?? true);

    const open = (code, at) => {
      const { feature } = areas.byCode.get(code);
      const [lon, lat] = feature.properties.at;
      // Opening a popup closes the one before, which takes its own outline away.
      wangge.popup(map, at || L.latLng(lat, lon), areas.card(code)).on("remove", () => chosen.clearLayers());
      chosen.clearLayers().addData(feature);
    };
    const show = (code) => {
      map.fitBounds(L.geoJSON(areas.byCode.get(code).feature).getBounds(), { maxZoom: 17, padding: [60, 60] });
      open(code);
    };

    for (const level of wangge.LEVELS) {
      const box = document.getElementById(`show-${level}`);
      box.closest("label").hidden = !outlines[level];
      if (!outlines[level]) continue;
      box.closest("label").querySelector(".count").textContent = wangge.number(areas.levels[level].features.length);
      box.addEventListener("change", () => {
        if (box.checked) outlines[level].addTo(map); else outlines[level].remove();
        relabel();
      });
    }
    document.getElementById("show-fill").addEventListener("change", (event) =>
      (event.target.checked ? tinted.addTo(map).bringToBack() : tinted.remove()));
    search(areas, show);
    const asked = new URLSearchParams(location.search);
    if (areas.byCode.has(asked.get("code"))) show(asked.get("code"));
    const near = (asked.get("near") || "").split(",").map(Number);
    if (near.length === 2 && near.every(Number.isFinite)) map.setView([near[1], near[0]], 18);
  };

  /** Find areas by code or by part of a name. */
  const search = (areas, show) => {
    const box = document.getElementById("find");
    const list = document.getElementById("found");
    const all = [...areas.byCode.values()].reverse();
    box.addEventListener("input", () => {
      const asked = box.value.trim().toLowerCase();
      const found = asked ? all.filter(({ feature: { properties } }) =>
        properties.code.startsWith(asked) || properties.name.toLowerCase().includes(asked)).slice(0, 30) : [];
      list.hidden = !asked;
      list.replaceChildren(...found.map(({ level, feature: { properties } }) => wangge.make("li", {},
        wangge.make("button", { type: "button", onclick: () => show(properties.code) },
          properties.name, wangge.make("span", { class: "code" }, `${wangge.LEVEL_NAMES[level]} ${properties.code}`)))));
      if (asked && !found.length) list.append(wangge.make("li", { class: "hint" }, wangge.say("没有找到", "Nothing found")));
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") list.querySelector("button")?.click();
    });
  };
})();
