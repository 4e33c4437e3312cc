"use strict";
/* Below the planner's table: the standard, the ten elements, and whether there is a place. */

(() => {
  const form = document.getElementById("coverage-form");
  const apart = document.getElementById("estates-apart");
  const NAMES = wangge.chinese
    ? { party: "党", government: "政", residents: "居", medical: "医", elderly: "养", education: "教", culture: "文", sport: "体", leisure: "娱", commerce: "商" }
    : { party: "Party", government: "Government", residents: "Residents", medical: "Medical", elderly: "Elderly", education: "Education", culture: "Culture", sport: "Sport", leisure: "Leisure", commerce: "Commerce" };
  const PARTS = { old_estate: wangge.say("老旧小区", "old estates"), other: wangge.say("其他", "other") };
  const area = { title: wangge.say("区域", "Area"), value: (row) => (row.estates ? `${row.name} · ${PARTS[row.estates]}` : row.name || row.code) };

  const asked = (names, more = {}) => {
    const said = new FormData(form);
    const kept = Object.fromEntries(names.map((name) => [name, said.get(name)]));
    return { ...kept, estates: apart.checked && kept.level ? "apart" : "", ...more };
  };

  /** A part of the page that follows the form: its question, and what it makes of the answer. */
  const follow = (id, path, question, draw) => {
    const section = document.getElementById(id);
    const into = section.querySelector(".answer");
    let running = null;
    const load = async () => {
      running?.abort();
      running = new AbortController();
      const land = new FormData(form).get("weight") === "land";
      section.hidden = land;
      if (land) return;
      const query = question();
      for (const link of section.querySelectorAll("[data-write]")) {
        link.href = wangge.address(path, { ...query, format: link.dataset.write });
      }
      into.replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在计算…", "Computing…")));
      try {
        into.replaceChildren(...draw(await wangge.fetchJson(wangge.address(path, query), { signal: running.signal })));
      } catch (problem) {
        if (problem.name !== "AbortError") into.replaceChildren(wangge.problemBox(problem));
      }
    };
    form.addEventListener("change", load);
    section.addEventListener("change", load);
    load();
  };

  const typeName = (key) => {
    const option = [...form.elements.facility_type.options].find(({ value }) => value === key);
    return option ? option.textContent.replace(/ \(\d+\)$/, "") : key;
  };

  const standard = ({ rows, overstatement }) => {
    const mandatory = new Map(rows.map((row) => [row.facility_type, row.mandatory]));
    return [wangge.make("div", { class: "table-wrap tall" }, wangge.table([
      { title: wangge.say("设施类型", "Facility type"), value: (row) => typeName(row.facility_type) },
      { title: wangge.say("圈（分钟）", "Circle (min)"), number: true, value: (row) => row.minutes },
      { title: wangge.say("半径（米）", "Radius (m)"), number: true, value: (row) => wangge.number(row.budget_m) },
      { title: wangge.say("必配", "Mandatory"), value: (row) => (mandatory.get(row.facility_type) ? wangge.say("必配", "yes") : wangge.say("宜配", "advised")) },
      { title: wangge.say("沿道路覆盖", "Along streets"), number: true, value: (row) => wangge.percent(row.network_covered / row.demand) },
      { title: wangge.say("直线圆覆盖", "Circle"), number: true, value: (row) => wangge.percent(row.circle_covered / row.demand) },
      { title: wangge.say("多算（百分点）", "Overstated (points)"), number: true, value: (row) => (row.overstated_share === null ? "—" : wangge.number(row.overstated_share * 100, 1)) },
      { title: wangge.say("倍数", "Factor"), number: true, value: (row) => wangge.number(row.overstated_factor, 2) },
    ], [...overstatement].sort((a, b) => b.overstated - a.overstated)))];
  };

  const lacking = (row, key) => {
    const share = row[key];
    return wangge.make("span", { class: share === 0 ? "lacking" : null }, wangge.percent(share));
  };

  const elements = ({ rows }) => [wangge.make("div", { class: "table-wrap tall" }, wangge.table([
    area,
    { title: wangge.say("完整度（满分 10）", "Score (of 10)"), number: true, value: (row) => wangge.number(row.score, 1) },
    { title: wangge.say("十要素齐全", "Reach all ten"), number: true, value: (row) => wangge.percent(row.complete_share) },
    ...Object.entries(NAMES).map(([key, title]) => ({ title, number: true, value: (row) => lacking(row, key) })),
    { title: wangge.say("缺少", "Missing"), value: (row) => row.missing || "—" },
  ], [...rows].sort((a, b) => (a.score ?? 99) - (b.score ?? 99))))];

  const places = ({ rows, without_capacity: silent }) => {
    const unlimited = Object.values(silent).reduce((total, count) => total + count, 0);
    return [wangge.make("div", { class: "table-wrap tall" }, wangge.table([
      area,
      { title: wangge.say("总量", "Demand"), number: true, value: (row) => wangge.number(row.demand) },
      { title: wangge.say("步行可达", "Within the walk"), number: true, value: (row) => wangge.number(row.served) },
      { title: wangge.say("有位", "With a place"), number: true, value: (row) => wangge.number(row.placed) },
      { title: wangge.say("无位", "Turned away"), number: true, value: (row) => wangge.number(row.turned_away) },
      { title: wangge.say("可达但超载", "Overloaded"), number: true, value: (row) => wangge.number(row.overloaded) },
      { title: wangge.say("每千人可及位数", "Places per 1,000"), number: true, value: (row) => wangge.number(row.sfca_per_1000, 1) },
    ], [...rows].sort((a, b) => b.turned_away - a.turned_away))),
    unlimited ? wangge.make("p", { class: "hint" }, wangge.say(
      `${unlimited} 处设施未填容量，视为不限。`, `${unlimited} facilities state no capacity and are not limited.`)) : ""];
  };

  follow("standard", "/api/coverage", () => asked(["weight"], {
    standard: "gb50180", method: "both", level: "district",
  }), standard);
  follow("elements", "/api/coverage/elements", () => asked(["level", "profile", "weight"], {
    minutes: document.getElementById("elements-minutes").value,
  }), elements);
  follow("capacity", "/api/coverage/capacity", () => asked(["facility_type", "minutes", "level", "profile", "weight"], {
    need: document.getElementById("need").value,
  }), places);
})();
