"use strict";
/* One incident: whose it is and why, and handing it to a neighbouring grid with a reason. */

(() => {
  const RULES = wangge.chinese
    ? { inside: "位于网格内部", border: "正好在边界上", overlap: "网格重叠处", nearest: "在网格之外，就近归属", none: "不属于任何网格", manual: "人工指定" }
    : { inside: "inside", border: "on a border", overlap: "in an overlap", nearest: "outside, nearest taken", none: "in no grid", manual: "decided by hand" };
  const WHY = wangge.chinese
    ? { place: "位置所在", candidate: "候选", across: "边界对面", near: "附近" }
    : { place: "where it lies", candidate: "in question", across: "across the border", near: "near by" };
  const STATUSES = wangge.chinese ? { open: "办理中", closed: "已办结" } : { open: "Open", closed: "Closed" };
  const { chosen, data: addresses } = wangge.config;
  const address = addresses.incident + chosen.id;
  const part = (name) => document.getElementById(name);
  const form = part("hand-over-form");

  const map = wangge.createMap("map", { bounds: wangge.config.bounds, preferCanvas: true, minZoom: 8, maxZoom: 19 });
  wangge.streets(map);
  const marks = L.featureGroup().addTo(map);
  const picked = L.geoJSON(null, { interactive: false, style: { color: "#1763b6", weight: 3, dashArray: "6 4", fillColor: "#1763b6", fillOpacity: 0.15 } }).addTo(map);
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

  const when = (text) => new Date(text).toLocaleString(wangge.chinese ? "zh-CN" : "en-GB", { timeZone: chosen.timezone, dateStyle: "medium", timeStyle: "short" });
  const metres = (value) => (value === null || value === undefined ? null : `${wangge.number(value, 1)} m`);
  const crumbs = (path) => wangge.make("div", { class: "crumbs" }, path.map((step) => wangge.make("span", {}, step.name || step.code)));
  const rows = (posts) => posts.map((post) => [post.role, post.name, post.phone]);

  const describe = (found) => {
    const { assignment } = found;
    const { area, rule } = assignment;
    return [
      crumbs(assignment.path.slice(0, -1)),
      wangge.make("h1", { class: "area-name" }, area ? area.name || area.code : wangge.say("待归属", "Waiting for a grid")),
      area ? wangge.make("div", { class: "area-code" }, area.code) : null,
      wangge.make("div", {}, wangge.make("span", { class: `badge ${rule === "inside" ? "good" : rule === "none" ? "bad" : "warn"}` }, RULES[rule] || rule), " ",
        wangge.make("span", { class: `badge ${found.status === "closed" ? "good" : ""}` }, STATUSES[found.status] || found.status)),
      wangge.facts([
        [wangge.say("类别", "Category"), chosen.category ? wangge.say(...chosen.category) : found.category],
        [wangge.say("描述", "Description"), found.description],
        [wangge.say("地址", "Address"), found.address],
        [wangge.say("上报时间", "Reported"), when(found.reported_at)],
        [wangge.say("来源", "Source"), found.source],
        [wangge.say("上报人", "Reporter"), [found.reporter_name, found.reporter_phone].filter(Boolean).join(" ")],
        [wangge.say("距边界", "To the border"), metres(assignment.margin_m)],
        [wangge.say("距网格", "To the grid"), metres(assignment.distance_m)],
        [wangge.say("待归属原因", "Why it waits"), assignment.reason],
        [wangge.say("位置", "Place"), found.lon === null ? wangge.say("没有坐标", "no coordinates") : `${found.lon.toFixed(6)}, ${found.lat.toFixed(6)}`],
      ]),
      found.posts.length ? wangge.make("div", { class: "table-wrap" }, wangge.postsTable(rows(found.posts))) : null,
      chosen.dispatches && found.status !== "closed" ? wangge.make("a", { class: "button quiet", href: "#hand-over" }, wangge.say("移交给邻格", "Hand to a neighbour")) : null,
    ].filter(Boolean);
  };

  /** The decision by hand that stands: who, when, why, and its end. */
  const standing = (found) => {
    if (found.assignment.rule !== "manual") return [];
    const decision = found.history.findLast((one) => one.rule === "manual");
    const box = wangge.make("div", { class: "note warn stack" },
      wangge.make("strong", {}, wangge.say("人工指定，边界调整不影响。", "Decided by hand: boundary edits do not move it.")),
      wangge.facts([
        [wangge.say("由谁", "Who"), decision.decided_by],
        [wangge.say("何时", "When"), when(decision.decided_at)],
        [wangge.say("原因", "Why"), decision.reason],
      ]));
    if (chosen.dispatches && found.status !== "closed") {
      box.append(wangge.make("button", { type: "button", class: "button quiet", onclick: () => step("release") },
        wangge.say("解除，按位置重新归属", "Release: let its place decide again")));
    }
    return [box];
  };

  const choice = ({ area, path, why, distance_m: distance, posts }, number) => wangge.make("label", { class: "choice" },
    wangge.make("input", { type: "radio", name: "area", value: area.code, disabled: !chosen.dispatches, onchange: pick }),
    wangge.make("span", { class: "choice-body" },
      wangge.make("span", {}, wangge.make("strong", {}, area.name), " ",
        wangge.make("span", { class: `badge ${why === "near" ? "" : "warn"}` }, WHY[why] || why), " ",
        wangge.make("span", { class: "count" }, metres(distance))),
      wangge.make("span", { class: "hint" }, [path.at(-2)?.name, area.code].filter(Boolean).join(" · "),
        number < 9 ? wangge.say(` · 按 ${number + 1} 选择`, ` · press ${number + 1}`) : ""),
      posts.length ? wangge.make("span", { class: "hint" }, posts.slice(0, 2).map((post) => [post.role, post.name, post.phone].filter(Boolean).join(" ")).join(wangge.say("；", "; "))) : null));

  /** What was reported near by; what may be the same is marked. */
  const nearby = (others) => (others.length ? wangge.table([
    { title: wangge.say("上报时间", "Reported"), value: (one) => wangge.make("a", { href: wangge.page(`/incidents/${one.id}`) }, when(one.reported_at)) },
    { title: wangge.say("类别", "Category"), value: (one) => one.duplicate
      ? wangge.make("span", { class: "badge warn" }, wangge.say("可能重复", "may be the same")) : one.category },
    { title: wangge.say("状态", "Status"), value: (one) => STATUSES[one.status] || one.status },
    { title: wangge.say("相距", "Distance"), value: (one) => metres(one.distance_m), number: true },
  ], others) : wangge.make("p", { class: "hint" }, wangge.say("没有。", "None.")));

  /** Where the address may be: a person chooses, and the incident then belongs to the grid of that place. */
  const mayBe = (place, number) => wangge.make("div", { class: "choice" },
    wangge.make("span", { class: "choice-body" },
      wangge.make("span", {}, wangge.make("strong", {}, `${number + 1}. ${place.name}`), " ",
        wangge.make("span", { class: "badge" }, place.area?.name || wangge.say("不在任何网格内", "in no grid"))),
      wangge.make("span", { class: "hint" }, [wangge.say(`误差约 ${wangge.number(place.uncertainty_m)} m`, `within ${wangge.number(place.uncertainty_m)} m`),
        ...wangge.say(place.reasons.zh, place.reasons.en)].join(" · "))),
    chosen.dispatches ? wangge.make("button", { type: "button", class: "button quiet small", onclick: () => step("place", { candidate: place.code }) },
      wangge.say("就是这里", "It is here")) : null);

  /** Number the places an address may mean on the map. */
  const mark = (places) => {
    places.forEach((place, i) => L.marker([place.lat, place.lon], {
      icon: L.divIcon({ className: "candidate-mark", html: String(i + 1), iconSize: [24, 24] }), title: place.name, keyboard: false,
    }).addTo(marks));
    map.fitBounds(marks.getBounds(), { padding: [60, 60], maxZoom: 17, animate: false });
  };

  const show = async (found, around) => {
    part("incident").replaceChildren(...describe(found));
    part("incident").removeAttribute("aria-busy");
    part("manual").replaceChildren(...standing(found));
    part("neighbours").replaceChildren(...(around.neighbours.length ? around.neighbours.map(choice)
      : [wangge.make("p", { class: "hint" }, wangge.say("300 米内没有其他网格。", "No other grid within 300 m."))]));
    const closed = found.status === "closed";
    const places = closed ? [] : found.places;
    part("told").hidden = !places.length;
    part("places").replaceChildren(...places.map(mayBe));
    form.hidden = closed;
    if (closed) part("manual").append(wangge.make("p", { class: "hint" }, wangge.say("已办结，归属不再变动。", "Closed: its grid stays as it was.")));
    part("history").replaceChildren(wangge.table([
      { title: wangge.say("时间", "When"), value: (one) => when(one.decided_at) },
      { title: wangge.say("由谁", "Who"), value: (one) => one.decided_by },
      { title: wangge.say("网格", "Grid"), value: (one) => one.area?.name || one.area?.code || "—" },
      { title: wangge.say("规则", "Rule"), value: (one) => RULES[one.rule] || one.rule },
      { title: wangge.say("原因", "Why"), value: (one) => one.reason || "" },
    ], [...found.history].reverse()));
    part("nearby").replaceChildren(nearby(found.nearby));
    const areas = await ready;
    marks.clearLayers();
    picked.clearLayers();
    const own = found.assignment.area && areas?.byCode.get(found.assignment.area.code);
    if (own) L.geoJSON(own.feature, { interactive: false, style: { color: "#b3261e", weight: 3, fillColor: "#f2b8a0", fillOpacity: 0.3 } }).addTo(marks);
    if (found.lon === null) {
      if (places.length) mark(places);
      else if (own) map.fitBounds(marks.getBounds(), { padding: [40, 40], animate: false });
      return;
    }
    L.circleMarker([found.lat, found.lon], { radius: 7, color: "#ffffff", weight: 2, fillColor: "#b3261e", fillOpacity: 1, interactive: false }).addTo(marks);
    map.setView([found.lat, found.lon], 17, { animate: false });
  };

  /** What is chosen, as a code; empty while nothing is. */
  const code = () => {
    const box = form.querySelector("input[name=area]:checked");
    return box ? box.value || part("other-code").value.trim() : "";
  };

  const pick = async () => {
    const areas = await ready;
    picked.clearLayers();
    const target = areas?.byCode.get(code());
    if (target) picked.addData(target.feature);
  };

  const load = async () => {
    try {
      await show(...await Promise.all([wangge.fetchJson(address), wangge.fetchJson(`${address}/neighbours`)]));
    } catch (problem) {
      part("incident").replaceChildren(wangge.problemBox(problem));
      form.hidden = true;
    }
  };

  /** Take a step, and show the incident as it is then. */
  const step = async (name, body) => {
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    part("refused").replaceChildren();
    try {
      await wangge.send(`${address}/${name}`, body || {});
      part("reason").value = "";
      part("other-code").value = "";
      await load();
    } catch (problem) {
      part("refused").replaceChildren(wangge.problemBox(problem));
    } finally {
      button.disabled = false;
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [area, reason] = [code(), part("reason").value.trim()];
    const missing = [area ? null : wangge.say("请选择接收的网格。", "Choose the grid that shall have it."),
      reason ? null : wangge.say("请说明原因。", "Say why.")].filter(Boolean);
    if (missing.length) {
      part("refused").replaceChildren(wangge.problemBox(new wangge.Problem(wangge.say("还不能移交", "Not yet"), missing)));
      return;
    }
    step("reassign", { area_code: area, reason });
  });
  for (const button of form.querySelectorAll("[data-reason]")) {
    button.addEventListener("click", () => { part("reason").value = button.dataset.reason; part("reason").focus(); });
  }
  const other = form.querySelector("input[name=area][value='']");
  part("other-code").addEventListener("input", () => { other.checked = true; pick(); });
  other.addEventListener("change", pick);

  /** Choose a grid by its code: among the neighbours, else as another. */
  const choose = (wanted) => {
    const box = [...form.querySelectorAll("input[name=area]")].find(({ value }) => value === wanted);
    if (!box) part("other-code").value = wanted;
    (box || other).checked = true;
    pick();
  };
  map.on("click", async ({ latlng }) => {
    if (!chosen.dispatches || form.hidden) return;
    try {
      const at = await wangge.fetchJson(wangge.address("/api/locate", { lon: latlng.lng.toFixed(6), lat: latlng.lat.toFixed(6), datum: "wgs84" }));
      if (at.area) choose(at.area.code);
    } catch (problem) {
      wangge.tell(map, problem);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName) && document.activeElement.type !== "radio") return;
    const box = form.querySelectorAll("#neighbours input")[Number(event.key) - 1];
    if (!box || box.disabled || event.ctrlKey || event.altKey || event.metaKey) return;
    box.checked = true;
    box.focus();
    pick();
  });
  load();
})();
