"use strict";
/* Where to build: the question as a form, the sites in their order as a table and on the map. */

(() => {
  const TIME_LIMIT_S = 20;
  const form = document.getElementById("siting-form");
  const result = document.getElementById("result");
  const part = (name) => document.getElementById(name);
  const map = wangge.planningMap();
  const dots = L.layerGroup().addTo(map);
  const marks = L.featureGroup().addTo(map);

  const goal = () => form.querySelector("input[name=goal]:checked").value;

  const question = () => {
    const asked = {
      facility_type: part("facility_type").value,
      minutes: Number(part("minutes").value),
      profile: part("profile").value,
      weight: part("weight").value,
      candidates: part("candidates").value,
      exact: part("exact").checked,
      time_limit_s: TIME_LIMIT_S,
    };
    if (goal() === "sites") asked.sites = Math.round(Number(part("sites").value));
    else asked.target_share = Number(part("target_share").value) / 100;
    const within = part("within").value.trim();
    if (within) asked.within = within;
    return asked;
  };

  const facilities = () => wangge.facilityDots(map, dots, part("facility_type").value).catch((problem) => wangge.tell(map, problem));

  const ask = async () => {
    const button = form.querySelector("[type=submit]");
    const asked = question();
    button.disabled = true;
    marks.clearLayers();
    result.replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在求解…", "Searching…")));
    try {
      const found = await wangge.send("/api/siting", asked);
      result.replaceChildren(...describe(found, asked).filter(Boolean));
      mark(found);
    } catch (problem) {
      result.replaceChildren(wangge.problemBox(problem));
    } finally {
      button.disabled = false;
    }
  };

  /** How sure it is that no other choice is better. */
  const sure = ({ proven, gap, bound, sites }, asked) => {
    if (proven) return wangge.make("p", { class: "note good" }, wangge.say("已证明：没有更好的选择。", "Proven: no choice is better."));
    const least = asked.target_share === undefined
      ? wangge.say(`任何选择至多新增 ${wangge.number(bound)}`, `no choice adds more than ${wangge.number(bound)}`)
      : wangge.say(`至少需要 ${wangge.number(bound)} 处（现为 ${sites.length} 处）`, `at least ${wangge.number(bound)} sites are needed (these are ${sites.length})`);
    return wangge.make("p", { class: "note warn" }, wangge.say(
      `尚未证明最优：与最优的差距不超过 ${wangge.percent(gap)}，${least}。`, `Not proven: within ${wangge.percent(gap)} of the best; ${least}.`));
  };

  const describe = (found, asked) => {
    const last = found.sites[found.sites.length - 1];
    const served = last ? last.served : found.served;
    return [
      wangge.figures([
        [wangge.say("现有服务率", "Served today"), wangge.percent(found.served / found.demand)],
        [wangge.say("建成后", "With them"), wangge.percent(served / found.demand)],
        [wangge.say("新增", "Added"), wangge.number(served - found.served)],
      ]),
      sure(found, asked),
      found.sites.length
        ? wangge.make("div", { class: "table-wrap" }, wangge.table(COLUMNS, found.sites))
        : wangge.make("p", { class: "note" }, asked.target_share === undefined
          ? wangge.say("没有候选地点能新增服务。", "No candidate serves anybody else.")
          : wangge.say("已达到目标，无需新建。", "The target is reached already.")),
      wangge.make("p", { class: "hint" }, wangge.say(
        `沿道路步行 ${wangge.number(found.budget_m)} 米；比较了 ${wangge.number(found.candidates)} 处候选地点；修订 ${found.revision}。“新增”为此前各处之外再服务的数量。`,
        `A walk of ${wangge.number(found.budget_m)} m along streets; ${wangge.number(found.candidates)} candidates compared; revision ${found.revision}. “Adds” is what each serves beyond those before it.`)),
      wangge.faultList(found.faults),
    ];
  };

  const placeName = (site) => site.name || site.grid_code || `${site.lon.toFixed(5)}, ${site.lat.toFixed(5)}`;

  const COLUMNS = [
    { title: "#", number: true, value: (site) => site.order },
    { title: wangge.say("地点", "Place"), value: (site) => wangge.make("button", { type: "button", class: "link",
      onclick: () => map.setView([site.lat, site.lon], 16) }, placeName(site)) },
    { title: wangge.say("新增", "Adds"), number: true, value: (site) => wangge.number(site.adds) },
    { title: wangge.say("小区", "Compounds"), number: true, value: (site) => wangge.number(site.compounds) },
    { title: wangge.say("服务率", "Served"), number: true, value: (site) => wangge.percent(site.served_share) },
  ];

  const mark = (found) => {
    for (const site of found.sites) {
      L.marker([site.lat, site.lon], {
        icon: L.divIcon({ className: "candidate-mark", html: String(site.order), iconSize: [24, 24] }), title: placeName(site), keyboard: false, zIndexOffset: 1000,
      }).on("click", (event) => wangge.popup(map, event.latlng, wangge.make("div", {}, wangge.make("h3", {}, `${site.order}. ${placeName(site)}`), wangge.facts([
        [wangge.say("新增", "Adds"), wangge.number(site.adds)],
        [wangge.say("所在网格", "Grid"), site.grid_code],
        [wangge.say("坐标", "Coordinate"), `${site.lon.toFixed(6)}, ${site.lat.toFixed(6)}`],
      ])))).addTo(marks);
    }
    if (found.sites.length) map.fitBounds(marks.getBounds(), { padding: [60, 60], maxZoom: 15, animate: false });
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const choice of form.querySelectorAll("input[name=goal]")) {
    choice.addEventListener("change", () => {
      part("sites-field").hidden = goal() !== "sites";
      part("share-field").hidden = goal() === "sites";
    });
  }
  part("facility_type").addEventListener("change", facilities);
  facilities();
})();
