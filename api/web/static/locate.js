"use strict";
/* The dispatcher's page: a coordinate, or a click, becomes a grid with its reason and its team. */

(() => {
  const RULES = wangge.chinese
    ? { inside: "位于网格内部", border: "正好在边界上", overlap: "网格重叠处", nearest: "在网格之外，就近归属", none: "不属于任何网格" }
    : { inside: "inside", border: "on a border", overlap: "in an overlap", nearest: "outside, nearest taken", none: "in no grid" };
  const WORKS = wangge.chinese
    ? { basic: "基础类改造", improved: "完善类改造", upgraded: "提升类改造" }
    : { basic: "basic works", improved: "improved works", upgraded: "upgraded works" };
  const NO_WAY = wangge.chinese
    ? { "no-facility": "本地没有这类设施", "no-street": "附近没有道路，无法计算步行", "not-connected": "没有道路通到这类设施" }
    : { "no-facility": "there is none of this type", "no-street": "no street near by to walk on", "not-connected": "no street leads to one" };
  const NEAR_BORDER_M = 15;
  const form = document.getElementById("locate-form");
  const box = document.getElementById("place");
  const datum = document.getElementById("datum");
  const facilityType = document.getElementById("facility-type");
  const answer = document.getElementById("answer");

  /** Two numbers from what somebody pasted: decimals, or degrees, minutes and seconds with N/E or 北纬/东经. */
  const parse = (text) => {
    const clean = text.replace(/[，、；;]/g, ",").replace(/[＋+]/g, " ");
    const parts = [...clean.matchAll(/([东西南北]经|[东西南北]纬|[NSEWnsew])?\s*(-?\d+(?:\.\d+)?)\s*(?:[°度]\s*(?:(\d+(?:\.\d+)?)\s*[′'分]\s*)?(?:(\d+(?:\.\d+)?)\s*(?:[″"秒]|''))?)?\s*([NSEWnsew])?/g)];
    if (parts.length !== 2) return null;
    const read = ([, before, degrees, minutes, seconds, after]) => {
      const mark = (before || after || "").toUpperCase();
      const size = Math.abs(Number(degrees)) + Number(minutes || 0) / 60 + Number(seconds || 0) / 3600;
      const negative = degrees.startsWith("-") || /^[SW西南]/.test(mark);
      return { value: negative ? -size : size, axis: /^[NS]|纬/.test(mark) ? "lat" : /^[EW]|经/.test(mark) ? "lon" : null };
    };
    const [a, b] = parts.map(read);
    return a.axis === "lat" || b.axis === "lon" ? { lon: b.value, lat: a.value } : { lon: a.value, lat: b.value };
  };

  const map = wangge.createMap("map", { bounds: wangge.config.bounds, preferCanvas: true, minZoom: 8, maxZoom: 19 });
  wangge.streets(map);
  const marks = L.featureGroup().addTo(map);
  const ready = wangge.data("areas").then((data) => {
    const areas = new wangge.Areas(data);
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    areas.labels(map);
    return areas;
  }).catch((problem) => { wangge.tell(map, problem); return null; });

  let running = null;
  const ask = async (place, { move = true } = {}) => {
    running?.abort();
    running = new AbortController();
    const query = { ...place, datum: datum.value };
    if (facilityType.value) query.facility_type = facilityType.value;
    answer.setAttribute("aria-busy", "true");
    try {
      const found = await wangge.fetchJson(wangge.address("/api/locate", query), { signal: running.signal });
      history.replaceState(null, "", wangge.page("/locate", query));
      answer.replaceChildren(...describe(found));
      await mark(found, move);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      marks.clearLayers();
      answer.replaceChildren(wangge.problemBox(problem), ...swapped(place));
    } finally {
      answer.removeAttribute("aria-busy");
    }
  };

  /** Offer the other order where that would be a place in China. */
  const swapped = ({ lon, lat }) => (lon > 3 && lon < 54 && lat > 73 && lat < 136
    ? [wangge.make("button", { type: "button", class: "button quiet", onclick: () => {
      box.value = `${lat}, ${lon}`;
      form.requestSubmit();
    } }, wangge.say(`改为经度 ${lat}，纬度 ${lon}`, `Take longitude ${lat}, latitude ${lon}`))] : []);

  const estate = ({ name, works, department }) => [name, WORKS[works], department].filter(Boolean).join(wangge.say("，", ", "));

  const typeName = (key) => [...facilityType.options].find((option) => option.value === key)?.text || key;

  /** The nearest facility of a type, on foot. */
  const way = (walk) => (walk.reason ? NO_WAY[walk.reason] || walk.reason : wangge.say(
    `${walk.name}，步行 ${wangge.number(walk.minutes, 0)} 分钟（${wangge.number(walk.metres)} 米）`,
    `${walk.name}, ${wangge.number(walk.minutes, 0)} min on foot (${wangge.number(walk.metres)} m)`));

  const describe = (found) => {
    const { area, rule } = found;
    if (!area) {
      return [wangge.make("div", { class: "note warn" },
        wangge.make("strong", {}, wangge.say("不属于任何网格。", "In no grid.")), " ",
        wangge.say("此处不在任何网格内，附近也没有网格；上报的事件会进入待归属队列。请核对坐标系。",
          "No grid holds or is near this place; an incident here is queued as unassigned. Check the datum."))];
    }
    const parts = [
      wangge.make("div", { class: "crumbs" }, found.path.slice(0, -1).map((step) => wangge.make("span", {}, step.name))),
      wangge.make("div", {},
        wangge.make("div", { class: "area-name" }, area.name),
        wangge.make("div", { class: "area-code" }, area.code)),
      wangge.make("div", {}, wangge.make("span", { class: `badge ${rule === "inside" ? "good" : "warn"}` }, RULES[rule] || rule)),
    ];
    if (rule === "inside" && found.margin_m !== null && found.margin_m < NEAR_BORDER_M) {
      const metres = wangge.number(found.margin_m, 1);
      const across = found.neighbour ? found.neighbour.name : wangge.say("网格之外", "outside");
      parts.push(wangge.make("p", { class: "note warn" }, wangge.say(
        `距“${across}”仅 ${metres} 米，请与来电人核对位置。`,
        `Only ${metres} m from “${across}”: check the place with the caller.`)));
    }
    if (rule !== "inside" && found.candidates?.length > 1) {
      parts.push(wangge.make("p", { class: "hint" }, wangge.say("候选：", "Candidates: "), found.candidates.join("、")));
    }
    parts.push(wangge.facts([
      [wangge.say("距网格", "Distance"), found.distance_m === null || found.distance_m === undefined ? null : `${wangge.number(found.distance_m, 1)} m`],
      [wangge.say("距边界", "To the border"), found.margin_m === null || found.margin_m === undefined ? null : `${wangge.number(found.margin_m, 1)} m`],
      [wangge.say("边界对面", "Across the border"), found.neighbour ? `${found.neighbour.name} ${found.neighbour.code}` : null],
      [wangge.say("小区", "Compound"), found.compound ? found.compound.name : null],
      [wangge.say("楼栋", "Building"), found.building ? found.building.name : null],
      [wangge.say("老旧小区", "Old estate"), found.old_estate ? estate(found.old_estate) : null],
      ...(found.facilities || []).map((walk) => [typeName(walk.facility_type), way(walk)]),
      [wangge.say("数据修订", "Revision"), found.revision],
    ]));
    const posts = (found.posts || []).map((post) => [post.role, post.name, post.phone]);
    parts.push(posts.length ? wangge.make("div", { class: "table-wrap" }, wangge.postsTable(posts))
      : wangge.make("p", { class: "hint" }, wangge.say("此处没有登记岗位。", "No post is registered for this place.")));
    parts.push(wangge.make("p", {}, wangge.make("a", { href: wangge.page("/maps/grids.html", { code: area.code }) },
      wangge.say("在网格图中查看", "Show on the grid map"))));
    return parts;
  };

  /** The place and its area on the map. */
  const mark = async (found, move) => {
    const areas = await ready;
    marks.clearLayers();
    const step = found.area && areas?.byCode.get(found.area.code);
    if (step) {
      L.geoJSON(step.feature, { interactive: false, style: { color: "#b3261e", weight: 3, fillColor: "#f2b8a0", fillOpacity: 0.35 } }).addTo(marks);
    }
    L.circleMarker([found.lat, found.lon], { radius: 7, color: "#ffffff", weight: 2, fillColor: "#b3261e", fillOpacity: 1, interactive: false }).addTo(marks);
    if (move) map.fitBounds(marks.getBounds(), { maxZoom: 17, padding: [50, 50], animate: false });
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const place = parse(box.value);
    if (place) ask(place);
    else {
      answer.replaceChildren(wangge.make("div", { class: "note bad", role: "alert" },
        wangge.say("没有看懂这个坐标。请输入两个数字，例如 105.8236, 32.4342。", "This is no coordinate. Type two numbers, such as 105.8236, 32.4342.")));
    }
    box.select();
  });
  map.on("click", ({ latlng }) => {
    const place = { lon: Number(latlng.lng.toFixed(6)), lat: Number(latlng.lat.toFixed(6)) };
    datum.value = "wgs84";
    box.value = `${place.lon}, ${place.lat}`;
    ask(place, { move: false });
  });
  for (const choice of [datum, facilityType]) {
    choice.addEventListener("change", () => { if (box.value.trim()) form.requestSubmit(); });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
  /* For the search box: its map, and how it has a place located. */
  wangge.locating = {
    map,
    locate: (place, stated) => {
      datum.value = stated;
      box.value = `${place.lon}, ${place.lat}`;
      return ask(place);
    },
  };
  const asked = new URLSearchParams(location.search);
  if (asked.get("datum")) datum.value = asked.get("datum");
  if (asked.get("facility_type")) facilityType.value = asked.get("facility_type");
  const place = asked.get("place") || (asked.get("lon") && asked.get("lat") ? `${asked.get("lon")}, ${asked.get("lat")}` : "");
  if (place) {
    box.value = place;
    form.requestSubmit();
  }
})();
