"use strict";
/* What every page uses. Text enters the page through textContent only, so no name can run. */

const wangge = {};

wangge.config = JSON.parse(document.getElementById("page-config").textContent);
wangge.chinese = wangge.config.language === "zh";

/** The text in the page's language. */
wangge.say = (chinese, english) => (wangge.chinese ? chinese : english);

/** An element with attributes, listeners (on…) and children; strings become text. */
wangge.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined).map((child) =>
    child instanceof Node ? child : String(child)));
  return element;
};

wangge.number = (value, digits = 0) =>
  value === null || value === undefined || Number.isNaN(value) ? "—"
    : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

wangge.percent = (value) =>
  value === null || value === undefined || Number.isNaN(value) ? "—" : `${(value * 100).toFixed(1)}%`;

/** An address with a query; empty values are left out, a list is repeated. */
wangge.address = (path, query = {}) => {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
  const kept = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(kept).toString();
  return text ? `${path}?${text}` : path;
};

/** Address of a page, in the reader's language. */
wangge.page = (path, query = {}) => wangge.address(path, wangge.chinese ? query : { ...query, lang: "en" });

/** What a server said went wrong: a title, a list of faults, and the document that says all of it. */
wangge.Problem = class extends Error {
  constructor(title, faults = [], status = 0, document = {}) {
    super(title);
    this.faults = faults;
    this.status = status;
    this.document = document;
  }
};

/** JSON from our server; a refusal becomes a Problem with every fault in it. */
wangge.fetchJson = async (address, options = {}) => {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" }, ...options });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new wangge.Problem(wangge.say("服务没有响应，请稍后再试。", "The service does not answer; try again."));
  }
  if (response.ok) return response.json();
  if (response.status === 401) {
    location.assign(wangge.page("/login", { next: location.pathname + location.search }));
  }
  let body = {};
  try { body = await response.json(); } catch { /* not JSON: the status must do */ }
  const title = wangge.say(body.title_zh, body.title) || `HTTP ${response.status}`;
  const said = (body.errors || []).map((fault) => [wangge.say(fault.title_zh, null), fault.message].filter(Boolean).join("："));
  // Two fields may share one fault: swapped coordinates are told once.
  const faults = [...new Set(said)];
  throw new wangge.Problem(title, faults.length ? faults : [body.detail].filter(Boolean), response.status, body);
};

/** Write to our server what a body says as JSON; returns what it answers. */
wangge.send = (address, body = {}, { method = "POST", headers = {} } = {}) => wangge.fetchJson(address, {
  method,
  headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": wangge.config.csrf || "", ...headers },
  body: JSON.stringify(body),
});

/** The page's data by name: from the page itself when it travels as one file, else from our server. */
wangge.data = (name, query) => {
  const block = document.getElementById(`data-${name}`);
  if (block) return Promise.resolve(JSON.parse(block.textContent));
  const address = wangge.config.data[name];
  if (!address) return Promise.resolve(null);
  return wangge.fetchJson(query ? wangge.address(address, query) : address);
};

/** A message box for a Problem. */
wangge.problemBox = (problem) => wangge.make("div", { class: "note bad", role: "alert" },
  wangge.make("strong", {}, problem.message),
  problem.faults && problem.faults.length
    ? wangge.make("ul", {}, problem.faults.map((fault) => wangge.make("li", {}, fault))) : null);

/** A table from columns [{title, value(row), number}] and rows. */
wangge.table = (columns, rows, attributes = {}) => wangge.make("table", attributes,
  wangge.make("thead", {}, wangge.make("tr", {}, columns.map((column) =>
    wangge.make("th", { scope: "col", class: column.number ? "number" : null }, column.title)))),
  wangge.make("tbody", {}, rows.map((row) => wangge.make("tr", {}, columns.map((column) =>
    wangge.make("td", { class: column.number ? "number" : null }, column.value(row)))))));

/** A list of terms and facts; facts without a value are left out. */
wangge.facts = (pairs) => wangge.make("dl", { class: "facts" }, pairs
  .filter(([, value]) => value !== null && value !== undefined && value !== "")
  .flatMap(([term, value]) => [wangge.make("dt", {}, term), wangge.make("dd", {}, value)]));

/** The people who answer for an area: rows of role, name, phone. */
wangge.postsTable = (posts) => wangge.table([
  { title: wangge.say("岗位", "Role"), value: (post) => post[0] },
  { title: wangge.say("姓名", "Name"), value: (post) => post[1] },
  { title: wangge.say("电话", "Phone"), value: (post) => post[2]
    ? wangge.make("a", { href: `tel:${post[2].replace(/[^0-9+]/g, "")}` }, post[2]) : "—" },
], posts);
