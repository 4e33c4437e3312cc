"use strict";
/* The map of what changed between two revisions: before, after, and the land that changed hands. */

(() => {
  const BEFORE = { color: "#b3261e", weight: 2.4, opacity: 0.9, dashArray: "7 5", fillColor: "#b3261e", fillOpacity: 0.06 };
  const AFTER = { color: "#1d6fb8", weight: 2.2, opacity: 0.95, fillColor: "#1d6fb8", fillOpacity: 0.06 };
  const LAND = { color: "#b45f06", weight: 1.2, opacity: 0.95, fillColor: "#f59f3a", fillOpacity: 0.5 };
  const KINDS = wangge.chinese
    ? { added: "新增", removed: "撤销", moved: "界线或位置变动", attributes: "仅属性变动" }
    : { added: "Added", removed: "Removed", moved: "Moved", attributes: "Attributes only" };
  const LAYERS = wangge.chinese
    ? { districts: "区县", subdistricts: "街道", communities: "社区", grids: "网格", compounds: "小区", buildings: "楼栋", addresses: "门牌地址", old_estates: "老旧小区", facilities: "设施", streets: "道路", barriers: "障碍", posts: "岗位" }
    : {};
  const LISTED = 200;
  const part = (name) => document.getElementById(name);
  const layerName = (key) => LAYERS[key] || key;
  const whose = (code, names) => (code === null ? wangge.say("无人", "nobody") : names.get(code) || code);

  const card = (properties) => wangge.make("div", {},
    wangge.make("h3", {}, properties.name || properties.code),
    wangge.make("div", { class: "code" }, properties.code),
    wangge.facts([
      [wangge.say("图层", "Layer"), layerName(properties.layer)],
      [wangge.say("变化", "Change"), KINDS[properties.kind]],
      [wangge.say("状态", "State"), properties.state === "before" ? wangge.say("变更前", "Before") : wangge.say("变更后", "After")],
    ]));

  const landCard = (properties, names) => wangge.make("div", {},
    wangge.make("h3", {}, `${whose(properties.from_code, names)} → ${whose(properties.to_code, names)}`),
    wangge.make("div", { class: "code" }, `${properties.from_code ?? "—"} → ${properties.to_code ?? "—"}`),
    wangge.facts([
      [wangge.say("图层", "Layer"), layerName(properties.layer)],
      [wangge.say("面积", "Area"), `${wangge.number(properties.area_m2)} m²`],
    ]));

  /** Features on the map; returns what finds each again. */
  const draw = (map, features, style, said, renderer) => {
    const layers = new Map();
    L.geoJSON(features.filter(({ geometry }) => geometry), {
      style: () => style,
      pointToLayer: (feature, at) => L.circleMarker(at, { ...style, renderer, radius: 5, fillOpacity: 0.5 }),
      renderer,
      onEachFeature: (feature, layer) => {
        layers.set(feature, layer);
        layer.on("click", (event) => wangge.popup(map, event.latlng, said(feature.properties)));
      },
    }).addTo(map);
    return layers;
  };

  const boundsOf = (layer) => (layer.getBounds ? layer.getBounds() : L.latLngBounds([layer.getLatLng()]));

  const button = (map, layer, text, content) => (!layer ? text : wangge.make("button", {
    type: "button", class: "link",
    onclick: () => {
      map.fitBounds(boundsOf(layer), { maxZoom: 17, padding: [60, 60], animate: false });
      wangge.popup(map, boundsOf(layer).getCenter(), content);
    },
  }, text));

  wangge.diff = async (map) => {
    wangge.tell(map, wangge.say("正在比较…", "Comparing…"), { busy: true });
    let data;
    let areas;
    try {
      [data, areas] = await Promise.all([wangge.data("diff"), wangge.data("areas")]);
    } catch (problem) {
      wangge.tell(map, problem);
      return;
    }
    areas = new wangge.Areas(areas);
    wangge.tell(map, null);
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level, { color: "#8493a3", opacity: 0.55 }).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    areas.labels(map);

    const renderer = L.canvas({ tolerance: 6, padding: 0.3 });
    const states = { before: [], after: [] };
    for (const feature of data.changes.features) states[feature.properties.state].push(feature);
    // Also of what is no more, which the areas of today do not know.
    const names = new Map([...states.before, ...states.after].map(({ properties }) => [properties.code, properties.name]));
    const land = draw(map, data.land.features, LAND, (properties) => landCard(properties, names), renderer);
    const drawn = new Map([
      ...draw(map, states.before, BEFORE, card, renderer),
      ...draw(map, states.after, AFTER, card, renderer),
    ]);
    const every = [...drawn.values(), ...land.values()];
    if (every.length) {
      const view = every.reduce((all, layer) => all.extend(boundsOf(layer)), L.latLngBounds([]));
      map.fitBounds(view, { maxZoom: 17, padding: [40, 40], animate: false });
    }

    part("land").replaceChildren(data.land.features.length ? wangge.table([
      { title: wangge.say("从 → 到", "From → to"), value: (row) => button(map, land.get(row), `${whose(row.properties.from_code, names)} → ${whose(row.properties.to_code, names)}`, landCard(row.properties, names)) },
      { title: "m²", number: true, value: ({ properties }) => wangge.number(properties.area_m2) },
    ], data.land.features.slice(0, LISTED)) : wangge.make("p", { class: "hint" }, wangge.say("没有土地易主。", "No land changed hands.")));

    // Each feature once: as it is, or as it was where it is no more.
    const rows = [...states.after, ...states.before.filter(({ properties }) => properties.kind === "removed")];
    part("changes").replaceChildren(rows.length ? wangge.table([
      { title: wangge.say("要素", "Feature"), value: (row) => button(map, drawn.get(row), row.properties.name || row.properties.code, card(row.properties)) },
      { title: wangge.say("图层", "Layer"), value: ({ properties }) => layerName(properties.layer) },
      { title: wangge.say("变化", "Change"), value: ({ properties }) => KINDS[properties.kind] },
    ], rows.slice(0, LISTED)) : wangge.make("p", { class: "note good" }, wangge.say("两个修订没有差别。", "The two revisions are the same.")));

    part("summary").textContent = [
      ...data.layers.map(({ layer, counts }) => `${layerName(layer)}: ${Object.entries(counts).filter(([, count]) => count).map(([kind, count]) => `${KINDS[kind]} ${wangge.number(count)}`).join(wangge.say("、", ", "))}`),
      data.left_out ? wangge.say(`另有 ${wangge.number(data.left_out)} 个未画出，请下载。`, `${wangge.number(data.left_out)} more are not drawn: download them.`) : "",
    ].filter(Boolean).join(" · ");
  };
})();
