"use strict";
/* The map of borders: as thick and as dark as their counts; close up, the incidents that were counted. */

(() => {
  // Not the colours of streets, which the lines often follow.
  const COLOURS = ["#e3a9cf", "#cf6fae", "#b03a8c", "#861566", "#4d0540"];
  const SIGN_COLOURS = { borderline: "#2b6cb0", border: "#d97706", overlap: "#8b3fd1", nearest: "#0b8a7c", none: "#b3261e" };
  const SIGN_NAMES = wangge.chinese
    ? { borderline: "靠近边界", border: "正好在边界上", overlap: "网格重叠处", nearest: "就近归属", none: "无归属", handed_over: "人工移交" }
    : { borderline: "Near the border", border: "On a border", overlap: "In an overlap", nearest: "Nearest", none: "None", handed_over: "Handed over" };
  const KIND_NAMES = wangge.chinese
    ? { shared: "两区之间的边界", outer: "外边界", gap: "空隙：无人管辖", overlap: "重叠：两区都占" }
    : { shared: "Border between two", outer: "Outer border", gap: "Gap: nobody's", overlap: "Overlap: claimed by two" };
  const POINTS_FROM_ZOOM = 16;
  const MOST_DRAWN = 3000;
  const LISTED = 12;
  const part = (name) => document.getElementById(name);

  /** Lower bounds of up to five classes between the least and the most, each larger than the one before. */
  const classesOf = (values) => {
    const most = Math.max(...values, 1);
    const bounds = [0, 0.08, 0.2, 0.4, 0.7].map((share) => Math.max(1, Math.round(most * share)));
    return [...new Set(bounds)];
  };
  const classAt = (bounds, value) => bounds.findLastIndex((bound) => value >= bound);
  const colourAt = (bounds, at) => COLOURS[bounds.length === 1 ? 2 : Math.round(at * (COLOURS.length - 1) / (bounds.length - 1))];

  const sides = ({ kind, left_name: left, right_name: right, codes }) =>
    (kind === "shared" || kind === "overlap" ? `${left} | ${right}`
      : kind === "outer" ? left : codes.slice(0, 3).join(wangge.say("、", ", ")) + (codes.length > 3 ? " …" : ""));

  const card = (properties) => wangge.make("div", {},
    wangge.make("h3", {}, sides(properties)),
    wangge.make("div", { class: "code" }, properties.codes.slice(0, 6).join(" | ")),
    wangge.facts([
      [wangge.say("类型", "Kind"), KIND_NAMES[properties.kind]],
      ...Object.entries(SIGN_NAMES).map(([sign, name]) => [name, properties[sign] ? wangge.number(properties[sign]) : null]),
      [wangge.say("合计", "Total"), wangge.make("strong", {}, wangge.number(properties.total))],
      [wangge.say("每公里", "Per km"), wangge.number(properties.per_km, 1)],
      [wangge.say("长度", "Length"), `${wangge.number(properties.length_m)} m`],
      [wangge.say("面积", "Area"), properties.area_m2 === null ? null : `${wangge.number(properties.area_m2)} m²`],
      [wangge.say("名次", "Rank"), `${properties.rank}`],
    ]));

  /** The incidents in view, once the map is close enough to tell them apart. */
  const drawPoints = (map, { points, signs }, group, renderer) => {
    group.clearLayers();
    if (!points || map.getZoom() < POINTS_FROM_ZOOM) return;
    const view = map.getBounds().pad(0.1);
    const [west, south, east, north] = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((side) => side * 1e6);
    let drawn = 0;
    for (let i = 0; i < points.lon.length && drawn < MOST_DRAWN; i += 1) {
      const [lon, lat] = [points.lon[i], points.lat[i]];
      if (lon < west || lon > east || lat < south || lat > north) continue;
      drawn += 1;
      const sign = signs[points.sign[i]];
      const at = L.latLng(lat * 1e-6, lon * 1e-6);
      L.circleMarker(at, { renderer, radius: 5, color: "#ffffff", weight: 1.2, fillColor: SIGN_COLOURS[sign], fillOpacity: 0.95 })
        .on("click", (event) => {
          L.DomEvent.stopPropagation(event);
          wangge.popup(map, at, wangge.make("div", {}, wangge.make("h3", {}, SIGN_NAMES[sign]),
            wangge.config.data.incident ? wangge.make("a", { href: wangge.page(wangge.config.data.incident + points.id[i]) }, wangge.say("打开事件", "Open the incident")) : null));
        }).addTo(group);
    }
  };

  const legendOf = (bounds, whole) => bounds.map((bound, at) => {
    const next = bounds[at + 1];
    const text = next === undefined ? `≥ ${wangge.number(bound)}` : whole && next === bound + 1 ? wangge.number(bound)
      : `${wangge.number(bound)}–${wangge.number(whole ? next - 1 : next)}`;
    return wangge.make("li", {}, wangge.make("span", { class: "swatch line", style: { borderTopColor: colourAt(bounds, at), borderTopWidth: `${1.5 + 2 * at}px` } }), text);
  });

  wangge.borders = async (map) => {
    part("borders-form")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
    wangge.tell(map, wangge.say("正在统计边界…", "Counting at the borders…"), { busy: true });
    let data;
    let areas;
    try {
      [data, areas] = await Promise.all([wangge.data("borders"), wangge.data("areas")]);
    } catch (problem) {
      wangge.tell(map, problem);
      return;
    }
    areas = new wangge.Areas(areas);
    const rows = data.borders.features;
    wangge.tell(map, null);
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level, { color: "#8493a3", opacity: 0.6 }).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    areas.labels(map);

    // The worst is drawn last, on top; a finger need not hit a thin line exactly. Points share the canvas: another
    // one above would keep clicks from the lines.
    const renderer = L.canvas({ tolerance: 8, padding: 0.3 });
    const layers = new Map();
    const drawn = L.geoJSON(null, {
      renderer,
      onEachFeature: ({ properties }, layer) => {
        layers.set(properties.rank, layer);
        layer.on("click", (event) => wangge.popup(map, event.latlng, card(properties)));
      },
    }).addTo(map);
    for (let i = rows.length - 1; i >= 0; i -= 1) drawn.addData(rows[i]);
    const points = L.layerGroup().addTo(map);
    const refresh = () => drawPoints(map, data, points, renderer);
    map.on("moveend", refresh);
    refresh();

    const open = ({ properties }) => {
      const bounds = layers.get(properties.rank).getBounds();
      map.fitBounds(bounds, { maxZoom: 17, padding: [60, 60], animate: false });
      wangge.popup(map, L.latLng(properties.lat, properties.lon), card(properties));
    };
    const style = () => {
      const by = part("by").value;
      const whole = by !== "per_km";
      const bounds = classesOf(rows.map(({ properties }) => properties[by]));
      const factor = map.getZoom() < 12 ? 0.6 : map.getZoom() < 14 ? 0.8 : 1;
      const opacity = map.getZoom() < POINTS_FROM_ZOOM ? 0.9 : 0.6;
      drawn.setStyle(({ properties }) => {
        const at = classAt(bounds, properties[by]);
        if (at < 0) return { stroke: false, fill: false, interactive: false };
        const areal = properties.area_m2 !== null;
        const colour = colourAt(bounds, at);
        return { stroke: true, color: colour, weight: (1.2 + 2 * at) * factor, opacity, fill: areal, fillColor: colour, fillOpacity: 0.3, dashArray: areal ? "6 4" : null };
      });
      const patches = rows.some(({ properties }) => properties.area_m2 !== null);
      part("legend-borders").replaceChildren(...legendOf(bounds, whole),
        ...(patches ? [wangge.make("li", {}, wangge.make("span", { class: "swatch patch" }), wangge.say("空隙或重叠", "Gap or overlap"))] : []));
      const ranked = rows.filter(({ properties }) => properties[by] > 0).sort((a, b) => b.properties[by] - a.properties[by] || a.properties.rank - b.properties.rank);
      part("worst").replaceChildren(!ranked.length ? wangge.make("p", { class: "note good" }, wangge.say("没有疑点。", "None is in doubt.")) : wangge.table([
        { title: wangge.say("边界", "Border"), value: (row) => wangge.make("button", { type: "button", class: "link", onclick: () => open(row) }, sides(row.properties)) },
        { title: part("by").selectedOptions[0].textContent, number: true, value: ({ properties }) => wangge.number(properties[by], whole ? 0 : 1) },
      ], ranked.slice(0, LISTED), { class: "figures-table" }));
    };
    map.on("zoomend", style);
    part("by").addEventListener("change", style);
    style();

    const { summary } = data;
    const sum = (name) => rows.reduce((total, { properties }) => total + properties[name], 0);
    part("summary").textContent = [
      wangge.say(`${wangge.number(summary.borders)} 段边界共 ${wangge.number(summary.length_m / 1000, 1)} 公里，其中 ${wangge.number(rows.length)} 段有疑点，合计 ${wangge.number(sum("total"))}。`,
        `${wangge.number(summary.borders)} borders, ${wangge.number(summary.length_m / 1000, 1)} km; ${wangge.number(rows.length)} in doubt, ${wangge.number(sum("total"))} cases in all.`),
      summary.elsewhere ? wangge.say(`另有 ${wangge.number(summary.elsewhere)} 件远在所有网格之外。`, `${wangge.number(summary.elsewhere)} more lie far outside.`) : "",
      summary.handed_elsewhere ? wangge.say(`${wangge.number(summary.handed_elsewhere)} 次移交至不相邻的网格。`, `${wangge.number(summary.handed_elsewhere)} were handed to areas that do not touch.`) : "",
      summary.unplaced ? wangge.say(`${wangge.number(summary.unplaced)} 件没有坐标。`, `${wangge.number(summary.unplaced)} have no coordinates.`) : "",
    ].join(" ");
    part("legend-points").replaceChildren(...(data.points
      ? data.signs.map((sign) => wangge.make("li", {}, wangge.make("span", { class: "swatch dot", style: { background: SIGN_COLOURS[sign] } }),
        SIGN_NAMES[sign], wangge.make("span", { class: "count" }, wangge.number(sum(sign)))))
      : [wangge.make("li", { class: "hint" }, wangge.say("当前账号不能查看单个事件。", "This account does not see single incidents."))]));
  };
})();
