"use strict";
/* Incidents newest first, a page at a time: each page begins where the one before it ended. */

(() => {
  const { chosen, data: addresses } = wangge.config;
  const part = (name) => document.getElementById(name);
  const form = part("filters");
  const STATUSES = wangge.chinese ? { open: "办理中", closed: "已办结" } : { open: "Open", closed: "Closed" };
  const PAGE = 50;
  let rows = [];
  let next = null;
  let asked = 0;

  const when = (text) => new Date(text).toLocaleString(wangge.chinese ? "zh-CN" : "en-GB", { timeZone: chosen.timezone, dateStyle: "short", timeStyle: "short" });
  const name = (words, key) => (words[key] ? wangge.say(...words[key]) : key);

  const columns = [
    { title: wangge.say("上报时间", "Reported"), value: (one) => wangge.make("a", { href: wangge.page(`/incidents/${one.id}`) }, when(one.reported_at)) },
    { title: wangge.say("类别", "Category"), value: (one) => name(chosen.categories, one.category) },
    { title: wangge.say("状态", "Status"), value: (one) => wangge.make("span", { class: `badge ${one.status === "closed" ? "good" : ""}` }, STATUSES[one.status] || one.status) },
    { title: wangge.say("网格", "Grid"), value: (one) => one.assignment.area?.name || one.assignment.area?.code || wangge.say("待归属", "waits") },
    { title: wangge.say("规则", "Rule"), value: (one) => name(chosen.rules, one.assignment.rule) },
    { title: wangge.say("描述", "Description"), value: (one) => one.description || one.address || "" },
  ];

  const draw = () => {
    part("listed").textContent = `${wangge.number(rows.length)}${next ? "+" : ""}`;
    part("found").replaceChildren(rows.length ? wangge.table(columns, rows)
      : wangge.make("p", { class: "note" }, wangge.say("没有符合条件的事件。", "No incident fulfils this.")));
    part("more").hidden = !next;
  };

  /** Read a page and add it; an answer to filters that were changed meanwhile is dropped. */
  const read = async (address) => {
    const mine = asked += 1;
    part("more").disabled = true;
    part("refused").replaceChildren();
    try {
      const page = await wangge.fetchJson(address);
      if (mine !== asked) return;
      rows = rows.concat(page.incidents);
      next = page.next;
      draw();
    } catch (problem) {
      if (mine === asked) part("refused").replaceChildren(wangge.problemBox(problem));
    } finally {
      part("more").disabled = false;
    }
  };

  const begin = () => {
    const query = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()]));
    const address = wangge.address(location.pathname, wangge.chinese ? query : { ...query, lang: "en" });
    history.replaceState(null, "", address);
    rows = [];
    next = null;
    read(wangge.address(addresses.incidents, { ...query, limit: PAGE }));
  };

  for (const [key, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(key);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value === "true"; else field.value = value;
  }
  form.addEventListener("change", begin);
  form.addEventListener("submit", (event) => { event.preventDefault(); begin(); });
  part("more").addEventListener("click", () => read(next));
  begin();
})();
