"use strict";
/* The planner's table: coverage by area, beside what a straight circle would say. */

(() => {
  const form = document.getElementById("coverage-form");
  const result = document.getElementById("result");
  const apart = document.getElementById("estates-apart");
  let order = { key: "covered_share", descending: false };
  let running = null;

  /** Land is not parted. */
  const estates = () => (apart.checked && form.elements.weight.value !== "land" ? "apart" : "");
  const query = (more = {}) => ({ ...Object.fromEntries(new FormData(form)), lang: "", ...more });

  const load = async () => {
    running?.abort();
    running = new AbortController();
    for (const link of document.querySelectorAll("[data-format]")) {
      link.href = wangge.address("/api/coverage", query({ format: link.dataset.format, estates: estates() }));
    }
    for (const link of document.querySelectorAll("[data-report]")) {
      // Land has no people to list: its report counts people.
      const weight = query().weight === "land" ? "people" : query().weight;
      link.href = wangge.address("/api/coverage/report", query({ format: link.dataset.report, weight, lang: wangge.config.language }));
    }
    history.replaceState(null, "", wangge.page("/coverage", query()));
    result.setAttribute("aria-busy", "true");
    result.replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在计算…", "Computing…")));
    try {
      const address = wangge.address("/api/coverage", query({ method: "both", estates: estates() }));
      const reply = await wangge.answer(address, { place: result, signal: running.signal });
      const key = (row) => `${row.code} ${row.estates ?? ""}`;
      const straight = new Map(reply.rows.filter((row) => row.method === "circle").map((row) => [key(row), row]));
      const rows = reply.rows.filter((row) => row.method === "network")
        .map((row) => ({ ...row, circle_share: straight.get(key(row))?.covered_share ?? null }));
      show(rows, reply.overstatement[0]);
      result.append(wangge.provenance(reply));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      result.replaceChildren(wangge.problemBox(problem));
    }
    result.removeAttribute("aria-busy");
  };

  const sum = (rows, key) => rows.reduce((total, row) => total + (row[key] || 0), 0);

  const show = (rows, circles) => {
    if (!rows.length) {
      result.replaceChildren(wangge.make("p", { class: "note warn" }, wangge.say("没有可汇总的区域或小区。", "There are no areas or compounds to sum.")));
      return;
    }
    const demand = sum(rows, "demand");
    const uncovered = sum(rows, "uncovered");
    const figures = [
      [wangge.say("总量", "Demand"), wangge.number(demand)],
      [wangge.say("已覆盖", "Covered"), wangge.percent(sum(rows, "covered") / demand)],
      [wangge.say("部分覆盖", "Partial"), wangge.percent(sum(rows, "partial") / demand)],
      [wangge.say("未覆盖", "Uncovered"), `${wangge.percent(uncovered / demand)}`],
      [wangge.say("直线圆多算（百分点）", "A circle overstates by (points)"), circles.overstated_share === null ? "—"
        : `${wangge.number(circles.overstated)} (${wangge.number(circles.overstated_share * 100, 1)})`],
    ];
    result.replaceChildren(
      wangge.make("dl", { class: "figures" }, figures.map(([term, value]) =>
        wangge.make("div", {}, wangge.make("dt", {}, term), wangge.make("dd", {}, value)))),
      wangge.make("div", { class: "table-wrap tall" }, table(rows)),
      wangge.make("p", { class: "hint" }, wangge.say(
        "覆盖率 = 全部出入口都可达的小区之和 ÷ 总量；部分覆盖单列，不计入覆盖率。分钟数为走到最近一处的平均与九成人以内，不含走不到的人。",
        "Covered share counts compounds all of whose gates are reached; partial ones stand apart. Minutes are to the nearest facility, however far: the mean, and within which nine in ten walk, without those who cannot.")));
  };

  const share = (value) => wangge.make("div", { class: "bar-cell" },
    wangge.make("meter", { min: 0, max: 1, value: value ?? 0, "aria-hidden": "true" }), wangge.percent(value));

  const PARTS = { old_estate: wangge.say("老旧小区", "Old estates"), other: wangge.say("其他", "Other") };

  const ALL_COLUMNS = [
    { key: "name", title: wangge.say("区域", "Area"), value: (row) => wangge.make("a", { href: wangge.page("/maps/grids.html", { code: row.code }) }, row.name || row.code) },
    { key: "code", title: wangge.say("编码", "Code"), value: (row) => wangge.make("span", { class: "code" }, row.code) },
    { key: "estates", title: wangge.say("部分", "Part"), value: (row) => PARTS[row.estates] },
    { key: "demand", number: true, title: wangge.say("总量", "Demand"), value: (row) => wangge.number(row.demand) },
    { key: "covered", number: true, title: wangge.say("已覆盖", "Covered"), value: (row) => wangge.number(row.covered) },
    { key: "partial", number: true, title: wangge.say("部分", "Partial"), value: (row) => wangge.number(row.partial) },
    { key: "uncovered", number: true, title: wangge.say("未覆盖", "Uncovered"), value: (row) => wangge.number(row.uncovered) },
    { key: "unreachable", number: true, title: wangge.say("无法到达", "Unreachable"), value: (row) => wangge.number(row.unreachable) },
    { key: "covered_share", number: true, title: wangge.say("覆盖率", "Covered share"), value: (row) => share(row.covered_share) },
    { key: "mean_min", number: true, title: wangge.say("平均分钟", "Mean min"), value: (row) => wangge.number(row.mean_min, 1) },
    { key: "p90_min", number: true, title: wangge.say("九成人分钟", "90% min"), value: (row) => wangge.number(row.p90_min, 1) },
    { key: "circle_share", number: true, title: wangge.say("直线圆", "Circle"), value: (row) => wangge.percent(row.circle_share) },
  ];

  const table = (rows) => {
    const columns = ALL_COLUMNS.filter(({ key }) => key !== "estates" || rows[0].estates);
    const sign = order.descending ? -1 : 1;
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a ?? "").localeCompare(String(b ?? ""), "zh"));
    const sorted = [...rows].sort((a, b) => sign * compare(a[order.key], b[order.key]));
    const drawn = wangge.table(columns.map((column) => ({ ...column, title: wangge.make("button", { type: "button", onclick: () => {
      order = { key: column.key, descending: order.key === column.key ? !order.descending : Boolean(column.number) };
      drawn.replaceWith(table(rows));
      result.querySelector(`th[data-key="${column.key}"] button`).focus();
    } }, column.title) })), sorted);
    drawn.querySelectorAll("thead th").forEach((cell, i) => {
      cell.dataset.key = columns[i].key;
      if (columns[i].key === order.key) cell.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    });
    return drawn;
  };

  form.addEventListener("change", load);
  load();
})();
