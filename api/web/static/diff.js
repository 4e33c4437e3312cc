"use strict";
/* The map of what changed between two states: before, after, and the land that changed hands. */

(() => {
  const BEFORE = { color: "#b3261e", weight: 2.4, opacity: 0.9, dashArray: "7 5", fillColor: "#b3261e", fillOpacity: 0.06 };
  const AFTER = { color: "#1d6fb8", weight: 2.2, opacity: 0.95, fillColor: "#1d6fb8", fillOpacity: 0.06 };
  const LAND = { color: "#b45f06", weight: 1.2, opacity: 0.95, fillColor: "#f59f3a", fillOpacity: 0.5 };
  const KINDS = wangge.chinese
    ? { added: "新增", removed: "撤销", moved: "界线或位置变动", nodes: "仅增减界点", attributes: "仅属性变动" }
    : { added: "Added", removed: "Removed", moved: "Moved", nodes: "Nodes only", attributes: "Attributes only" };
  const LAYERS = wangge.chinese
    ? { districts: "区县", subdistricts: "街道", communities: "社区", grids: "网格", compounds: "小区", buildings: "楼栋", addresses: "门牌地址", old_estates: "老旧小区", facilities: "设施", streets: "道路", barriers: "障碍", posts: "岗位" }
    : {};
  const LISTED = 200;
  const part = (name) => document.getElementById(name);
  const layerName = (key) => LAYERS[key] || key;
  const whose = (code, names) => (code === null ? wangge.say("无人", "nobody") : names.get(code) || code);

  const described = (properties) => wangge.make("div", {},
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
  const draw = (map, group, features, style, said) => {
    const layers = new Map();
    L.geoJSON(features.filter(({ geometry }) => geometry), {
      style: () => style,
      pointToLayer: (feature, at) => L.circleMarker(at, { ...style, renderer: group.renderer, radius: 5, fillOpacity: 0.5 }),
      renderer: group.renderer,
      onEachFeature: (feature, layer) => {
        layers.set(feature, layer);
        layer.on("click", (event) => wangge.popup(map, event.latlng, said(feature.properties)));
      },
    }).addTo(group);
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

  const landTable = (map, land, names, drawn) => (land.length ? wangge.table([
    { title: wangge.say("从 → 到", "From → to"), value: (row) => button(map, drawn.get(row), `${whose(row.properties.from_code, names)} → ${whose(row.properties.to_code, names)}`, landCard(row.properties, names)) },
    { title: "m²", number: true, value: ({ properties }) => wangge.number(properties.area_m2) },
  ], land.slice(0, LISTED)) : wangge.make("p", { class: "hint" }, wangge.say("没有土地易主。", "No land changed hands.")));

  const changesTable = (map, rows, drawn, { card, same }) => (rows.length ? wangge.table([
    { title: wangge.say("要素", "Feature"), value: (row) => button(map, drawn.get(row), row.properties.name || row.properties.code, card(row.properties)) },
    { title: wangge.say("图层", "Layer"), value: ({ properties }) => layerName(properties.layer) },
    { title: wangge.say("变化", "Change"), value: ({ properties }) => KINDS[properties.kind] },
  ], rows.slice(0, LISTED)) : wangge.make("p", { class: "note good" }, same));

  const summary = ({ layers, left_out: leftOut }, elsewhere) => [
    ...layers.map(({ layer, counts }) => `${layerName(layer)}: ${Object.entries(counts).filter(([, count]) => count).map(([kind, count]) => `${KINDS[kind]} ${wangge.number(count)}`).join(wangge.say("、", ", "))}`),
    leftOut ? wangge.say(`另有 ${wangge.number(leftOut)} 个未画出`, `${wangge.number(leftOut)} more are not drawn`) + elsewhere : "",
  ].filter(Boolean).join(" · ");

  /** Outlines of all areas as they are published, with their names, below what changed. */
  wangge.drawGround = (map, areas) => {
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level, { color: "#8493a3", opacity: 0.55 }).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    areas.labels(map);
  };

  const plain = (value) => (value === null || value === undefined ? "—" : typeof value === "object" ? JSON.stringify(value) : String(value));

  /** A table of the fields that differ between two states of a feature; of one that is new or gone, all that it has. */
  wangge.changedFields = (layer, before, after, [was, willBe]) => {
    const titles = wangge.config.chosen.fields[layer];
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const rows = names.filter((name) => plain(before[name]) !== plain(after[name]));
    return rows.length ? wangge.table([
      { title: wangge.say("字段", "Field"), value: (name) => titles[name] || name },
      { title: was, value: (name) => plain(before[name]) },
      { title: willBe, value: (name) => plain(after[name]) },
    ], rows) : wangge.make("p", { class: "hint" }, wangge.say("您可见的字段都相同。", "All fields that you may see are the same."));
  };

  /** Draw what changed and list it in #summary, #land and #changes, their names after a prefix; returns the layer, and its
      bounds where it has any. `elsewhere` says where to see what is not drawn. */
  wangge.drawDiff = (map, data, { card = described, same, prefix = "", elsewhere = wangge.say("，请下载。", ": download them.") }) => {
    const group = L.layerGroup().addTo(map);
    group.renderer = L.canvas({ tolerance: 6, padding: 0.3 });
    const states = { before: [], after: [] };
    for (const feature of data.changes.features) states[feature.properties.state].push(feature);
    // Also of what is no more, which the areas of today do not know.
    const names = new Map([...states.before, ...states.after].map(({ properties }) => [properties.code, properties.name]));
    const land = draw(map, group, data.land.features, LAND, (properties) => landCard(properties, names));
    const drawn = new Map([
      ...draw(map, group, states.before, BEFORE, card),
      ...draw(map, group, states.after, AFTER, card),
    ]);
    const bounds = [...drawn.values(), ...land.values()].reduce((all, layer) => all.extend(boundsOf(layer)), L.latLngBounds([]));
    part(`${prefix}land`).replaceChildren(landTable(map, data.land.features, names, land));
    // Each feature once: as it is, or as it was where it is no more.
    const rows = [...states.after, ...states.before.filter(({ properties }) => properties.kind === "removed")];
    part(`${prefix}changes`).replaceChildren(changesTable(map, rows, drawn, { card, same }));
    part(`${prefix}summary`).textContent = summary(data, elsewhere);
    return { group, bounds: bounds.isValid() ? bounds : null };
  };

  wangge.describedChange = described;

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
    wangge.tell(map, null);
    wangge.drawGround(map, new wangge.Areas(areas));
    const { bounds } = wangge.drawDiff(map, data, { same: wangge.say("两个修订没有差别。", "The two revisions are the same.") });
    if (bounds) map.fitBounds(bounds, { maxZoom: 17, padding: [40, 40], animate: false });
  };
})();
