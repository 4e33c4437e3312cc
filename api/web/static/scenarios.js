"use strict";
/* Scenarios: the list, the form that writes one, its changes on the map, and the comparison of before and after. */

(() => {
  const part = (name) => document.getElementById(name);
  const { chosen } = wangge.config;
  const map = wangge.planningMap();
  const areas = L.layerGroup().addTo(map);
  const dots = L.layerGroup().addTo(map);
  const drawn = L.featureGroup().addTo(map);
  const comparison = new wangge.ScenarioComparison(map, areas, part("result"));
  const form = part("scenario-form");

  let saved = [];
  let opened = null;
  let changes = [];
  let placing = true;

  const WORDS = {
    add_facility: ["增设", "add"], move_facility: ["迁移", "move"], close_facility: ["关闭", "close"], add_entrance: ["增开出入口", "gate"],
    add_street: ["新修道路", "path"], slow_streets: ["道路快慢", "slow"], walking_speed: ["步行速度", "speed"],
  };
  const typeName = (key) => wangge.say(...(chosen.types[key] || [key, key]));

  const describe = (change) => {
    const word = wangge.say(...WORDS[change.change]);
    switch (change.change) {
      case "add_facility": return `${word} ${typeName(change.facility_type)} ${change.name || ""}`;
      case "move_facility": case "close_facility": return `${word} ${change.facility}`;
      case "add_entrance": return `${word} ${change.compound}`;
      case "add_street": return change.bridge ? wangge.say("架桥", "bridge") : change.steps ? wangge.say("新修台阶", "steps") : word;
      case "slow_streets": return `${word} ${change.kind} × ${change.factor}`;
      default: return `${word} ${change.profile} ${change.metres_per_second} m/s`;
    }
  };

  // --- the map ---

  const mark = (change, number) => {
    const pin = (at) => L.marker(at, { icon: L.divIcon({ className: "candidate-mark", html: String(number + 1), iconSize: [24, 24] }), title: describe(change), keyboard: false, zIndexOffset: 1000 }).addTo(drawn);
    if (change.points) L.polyline(change.points.map(([lon, lat]) => [lat, lon]), { color: "#7a3b9c", weight: 5, dashArray: change.bridge ? null : "8 6" }).bindTooltip(describe(change)).addTo(drawn);
    else if (change.lon !== undefined) pin([change.lat, change.lon]);
  };

  const redraw = () => {
    drawn.clearLayers();
    changes.forEach(mark);
    part("changes").replaceChildren(changes.length
      ? wangge.make("ol", {}, changes.map((change, number) => wangge.make("li", {}, describe(change), " ",
        wangge.make("button", { type: "button", class: "link", onclick: () => { changes.splice(number, 1); redraw(); } }, wangge.say("移除", "remove")))))
      : wangge.make("p", { class: "hint" }, wangge.say("还没有改动。", "None yet.")));
  };

  const facilities = () => wangge.fetchJson(wangge.address("/api/facilities", { type: part("facility_type").value, limit: 1000 })).then((found) => {
    dots.clearLayers();
    for (const { lon, lat, name, code } of found.facilities) {
      L.circleMarker([lat, lon], { radius: 5, color: "#fff", weight: 1.5, fillColor: "#1c2733", fillOpacity: 1 })
        .bindTooltip(wangge.make("span", {}, `${name} ${code}`))
        .on("click", (event) => {
          if (part("facility").closest("[data-for]").hidden) return;
          L.DomEvent.stopPropagation(event);
          part("facility").value = code;
        }).addTo(dots);
    }
  }).catch((problem) => wangge.tell(map, problem));

  // --- one change ---

  const kindOf = () => part("change").value;

  const fields = () => {
    for (const field of document.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(kindOf());
    placing = !part("place").closest("[data-for]").hidden;
    part("place").value = "";
  };

  map.on("click", ({ latlng }) => {
    if (!placing) return;
    const text = `${latlng.lng.toFixed(6)}, ${latlng.lat.toFixed(6)}`;
    const before = part("place").value.trim();
    part("place").value = kindOf() === "add_street" && before ? `${before}; ${text}` : text;
    wangge.tell(map, null);
  });

  const placesStated = () => part("place").value.split(/[;；]/).map((pair) => pair.trim()).filter(Boolean)
    .map((pair) => pair.split(/[,，\s]+/).map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite));

  const stated = () => {
    const [first] = placesStated();
    const at = first ? { lon: first[0], lat: first[1] } : null;
    const kind = kindOf();
    switch (kind) {
      case "add_facility": return at && { change: kind, facility_type: part("new-type").value, name: part("new-name").value.trim(), ...at };
      case "move_facility": return at && part("facility").value.trim() && { change: kind, facility: part("facility").value.trim(), ...at };
      case "close_facility": return part("facility").value.trim() && { change: kind, facility: part("facility").value.trim() };
      case "add_entrance": return at && part("compound").value.trim() && { change: kind, compound: part("compound").value.trim(), ...at };
      case "add_street": return placesStated().length > 1 && { change: kind, points: placesStated(), bridge: part("bridge").checked, steps: part("stairs").checked };
      case "slow_streets": return { change: kind, kind: part("kind").value.trim(), factor: Number(part("factor").value) };
      default: return { change: kind, profile: part("walker").value, metres_per_second: Number(part("speed").value) };
    }
  };

  const add = () => {
    const change = stated();
    if (!change) {
      tell(wangge.make("p", { class: "note warn" }, wangge.say("请填写坐标与编码。", "State the coordinates and the code.")));
      return;
    }
    tell();
    changes.push(change);
    part("place").value = "";
    redraw();
  };

  // --- saving ---

  const tell = (...said) => part("told").replaceChildren(...said);
  const mine = () => opened !== null && (opened.created_by === chosen.account || chosen.manages);

  const open = (scenario) => {
    opened = scenario;
    changes = scenario ? scenario.changes.map((change) => ({ ...change })) : [];
    part("name").value = scenario?.name ?? "";
    part("note").value = scenario?.note ?? "";
    part("form-title").textContent = scenario
      ? wangge.say(mine() ? "修改方案" : "方案内容（另存为自己的方案）", mine() ? "Change the scenario" : "The scenario (save it as one of your own)")
      : wangge.say("新方案", "New scenario");
    part("delete").hidden = !(scenario && chosen.plans && mine());
    part("compare-form").hidden = !scenario;
    part("compared-name").textContent = scenario ? ` ${scenario.name}` : "";
    history.replaceState(null, "", wangge.page(scenario ? `/scenarios/${scenario.id}` : "/scenarios"));
    comparison.clear();
    tell();
    redraw();
    list();
    const added = changes.find((change) => change.facility_type);
    if (added && part("facility_type").value !== added.facility_type) {
      part("facility_type").value = added.facility_type;
      facilities();
    }
    if (scenario) compare();
  };

  const list = () => part("saved").replaceChildren(saved.length
    ? wangge.make("div", { class: "table-wrap" }, wangge.table([
      { title: wangge.say("名称", "Name"), value: (scenario) => wangge.make("button", { type: "button", class: "link", "aria-current": scenario.id === opened?.id ? "true" : null, onclick: () => open(scenario) }, scenario.name) },
      { title: wangge.say("改动", "Changes"), number: true, value: (scenario) => scenario.changes.length },
      { title: wangge.say("作者", "By"), value: (scenario) => scenario.created_by },
      { title: wangge.say("基准", "Base"), value: (scenario) => scenario.base_revision ?? wangge.say("当前", "current") },
    ], saved))
    : wangge.make("p", { class: "hint" }, wangge.say("还没有方案。", "There are none yet.")));

  const refresh = async (id) => {
    saved = (await wangge.fetchJson("/api/scenarios")).scenarios;
    open(saved.find((scenario) => scenario.id === id) ?? null);
  };

  const send = (method, address, body, version) => fetch(address, {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": wangge.config.csrf, ...(version ? { "If-Match": `"${version}"` } : {}) },
    body: body && JSON.stringify(body),
  });

  const save = async () => {
    const body = { name: part("name").value.trim(), note: part("note").value.trim(), base_revision: opened?.base_revision ?? null, datum: "wgs84", changes };
    const rewrite = mine();
    const address = rewrite ? `/api/scenarios/${opened.id}` : "/api/scenarios";
    const reply = await wangge.send(address, body, rewrite
      ? { method: "PUT", headers: { "If-Match": `"${opened.version}"` } } : {});
    await refresh(reply.id);
    tell(wangge.make("p", { class: "note good" }, wangge.say("已保存。", "Saved.")));
  };

  const remove = async () => {
    const reply = await send("DELETE", `/api/scenarios/${opened.id}`, null, opened.version);
    if (!reply.ok) {
      const body = await reply.json().catch(() => ({}));
      throw new wangge.Problem(wangge.say(body.title_zh, body.title) || `HTTP ${reply.status}`, [body.detail].filter(Boolean), reply.status);
    }
    await refresh(null);
  };

  const compare = () => comparison.show(opened, {
    facility_type: part("facility_type").value, minutes: part("minutes").value, level: part("level").value, profile: part("profile").value,
  });

  const trying = (work) => async (event) => {
    event?.preventDefault();
    try {
      await work();
    } catch (problem) {
      tell(wangge.problemBox(problem));
    }
  };

  part("change").addEventListener("change", fields);
  part("add").addEventListener("click", add);
  part("fresh").addEventListener("click", () => open(null));
  part("delete").addEventListener("click", trying(remove));
  form.addEventListener("submit", trying(save));
  part("compare-form").addEventListener("submit", (event) => { event.preventDefault(); compare(); });
  part("facility_type").addEventListener("change", facilities);
  fields();
  facilities();
  refresh(chosen.id).catch((problem) => part("saved").replaceChildren(wangge.problemBox(problem)));
})();
