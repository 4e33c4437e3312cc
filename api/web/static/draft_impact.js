"use strict";
/* Whom a draft would touch: what areas hold before and after, open incidents that would move, homes and places. */

(() => {
  const LISTED = 200;
  const part = (name) => document.getElementById(name);
  const wide = (table) => wangge.make("div", { class: "table-wrap tall" }, table);
  const folded = (title, ...content) => wangge.make("details", {}, wangge.make("summary", {}, title), content);

  wangge.draftImpact = (address) => {
    const { figures, layers, changes } = wangge.config.chosen;
    const level = (name) => wangge.LEVEL_NAMES[name];
    const code = (text) => wangge.make("span", { class: "code" }, text ?? wangge.say("无", "none"));

    /** A figure before and after; one that stays is told once. */
    const balance = (figure) => {
      if (figure === null) return "—";
      const { before, gained, lost, after } = figure;
      if (before === null) return gained || lost ? `+${wangge.number(Math.abs(gained))} −${wangge.number(Math.abs(lost))}` : "—";
      return before === after && !gained && !lost ? wangge.number(before)
        : wangge.make("strong", {}, `${wangge.number(before)} → ${wangge.number(after)}`);
    };

    const areas = (rows) => wangge.table([
      { title: wangge.say("层级", "Level"), value: (row) => level(row.level) },
      { title: wangge.say("区域", "Area"), value: (row) => wangge.make("span", {}, row.name ?? wangge.say("不在任何区域", "In no area"), " ", row.code && code(row.code)) },
      { title: wangge.say("变化", "Change"), value: (row) => changes[row.change] ?? "—" },
      ...Object.entries(figures).map(([name, title]) => ({ title, number: true, value: (row) => balance(row[name]) })),
    ], rows.slice(0, LISTED));

    const moves = (rows) => wangge.table([
      { title: wangge.say("原属网格", "From grid"), value: (row) => code(row.from_code) },
      { title: wangge.say("改属网格", "To grid"), value: (row) => code(row.to_code) },
      { title: wangge.say("未结事件", "Open incidents"), number: true, value: (row) => wangge.number(row.number) },
    ], rows.slice(0, LISTED));

    const affected = (rows) => wangge.table([
      { title: wangge.say("图层", "Layer"), value: (row) => layers[row.layer] },
      { title: wangge.say("名称", "Name"), value: (row) => row.name ?? "—" },
      { title: wangge.say("编码", "Code"), value: (row) => code(row.code) },
      { title: wangge.say("所在区域", "Area"), value: (row) => code(row.area_code) },
      { title: wangge.say("份额", "Share"), number: true, value: (row) => `${wangge.percent(row.share_before)} → ${wangge.percent(row.share_after)}` },
      { title: wangge.say("人口", "People"), number: true, value: (row) => (row.layer === "compounds" ? `${wangge.number(row.people_before)} → ${wangge.number(row.people_after)}` : "") },
    ], rows.slice(0, LISTED));

    const more = (rows) => (rows.length > LISTED
      ? wangge.make("p", { class: "hint" }, wangge.say(`此处列出前 ${LISTED} 行，共 ${wangge.number(rows.length)} 行，请下载。`, `The first ${LISTED} of ${wangge.number(rows.length)} are listed: download them all.`)) : null);

    const drawn = (found) => {
      if (!found.areas.length && !found.affected.length) {
        return [wangge.make("p", { class: "note good" }, wangge.say("不触及任何人与区域的面积。", "Nobody is touched, and no area changes its size."))];
      }
      const moving = (found.incidents || []).reduce((sum, { number }) => sum + number, 0);
      return [
        wide(areas(found.areas)), more(found.areas),
        found.incidents === null ? null : folded(wangge.say(`将改属的未结事件：${wangge.number(moving)}`, `Open incidents that would move: ${wangge.number(moving)}`), wide(moves(found.incidents))),
        folded(wangge.say(`受影响的小区、楼栋、设施与岗位：${wangge.number(found.affected.length)}`, `Homes, places and posts affected: ${wangge.number(found.affected.length)}`), wide(affected(found.affected)), more(found.affected)),
      ].filter(Boolean);
    };

    const reckon = async () => {
      part("reckon").disabled = true;
      part("impact").replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在计算…", "Working it out…")));
      try {
        part("impact").replaceChildren(...drawn(await wangge.fetchJson(`${address}/impact`)));
      } catch (problem) {
        part("impact").replaceChildren(wangge.problemBox(problem));
      } finally {
        part("reckon").disabled = false;
      }
    };

    part("reckon").addEventListener("click", reckon);
    // What was worked out before a change says nothing of the draft as it is.
    return { forget: () => part("impact").replaceChildren() };
  };
})();
