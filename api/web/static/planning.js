"use strict";
/* What the planner's maps of gaps and of sites share: the ground, and the facilities that stand. */

(() => {
  const MOST_FACILITIES = 1000;

  /** A map of our streets and areas in #map. */
  wangge.planningMap = () => {
    const map = wangge.createMap("map", { bounds: wangge.config.bounds, preferCanvas: true, minZoom: 8, maxZoom: 19 });
    wangge.streets(map);
    wangge.data("areas").then((data) => {
      const areas = new wangge.Areas(data);
      const outlines = {};
      for (const level of ["community", "subdistrict", "district"]) {
        if (areas.levels[level]) outlines[level] = areas.outlines(level).addTo(map);
      }
      wangge.fitOutlines(map, outlines);
      areas.labels(map, (level) => level === "subdistrict" || level === "community");
    }).catch((problem) => wangge.tell(map, problem));
    return map;
  };

  /** Facilities of a type as dots; those beyond a page of the API are told, not drawn. */
  wangge.facilityDots = async (map, group, type) => {
    const { facilities, next } = await wangge.fetchJson(wangge.address("/api/facilities", { type, limit: MOST_FACILITIES }));
    group.clearLayers();
    for (const { lon, lat, name, code } of facilities) {
      L.circleMarker([lat, lon], { radius: 4.5, color: "#fff", weight: 1.5, fillColor: "#1c2733", fillOpacity: 1 })
        .on("click", (event) => wangge.popup(map, event.latlng, wangge.make("div", {}, wangge.make("h3", {}, name), wangge.make("div", { class: "code" }, code))))
        .addTo(group);
    }
    return next ? wangge.say(`地图只画出前 ${MOST_FACILITIES} 处设施。`, `The map shows the first ${MOST_FACILITIES} facilities only.`) : null;
  };

  /** Figures side by side. */
  wangge.figures = (pairs) => wangge.make("dl", { class: "figures" }, pairs.map(([term, value]) =>
    wangge.make("div", {}, wangge.make("dt", {}, term), wangge.make("dd", {}, value))));

  /** What is wrong with the data, folded in; null where nothing is. */
  wangge.faultList = (faults) => (faults.length ? wangge.make("details", { class: "note warn" },
    wangge.make("summary", {}, wangge.say(`数据中有 ${faults.length} 个问题`, `${faults.length} faults in the data`)),
    wangge.make("ul", {}, faults.slice(0, 100).map((fault) => wangge.make("li", {}, [fault.id, fault.message].filter(Boolean).join("：")))))
    : null);
})();
