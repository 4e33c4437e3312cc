"use strict";
/* Words become candidates, in a list and on the map; the one that is chosen is located. */

(() => {
  const form = document.getElementById("search-form");
  const box = document.getElementById("search");
  const list = document.getElementById("candidates");
  const said = document.getElementById("search-said");
  const { map, locate } = wangge.locating;
  const marks = L.layerGroup().addTo(map);
  const WAIT_MS = 250;
  const LIKELY = 0.12;
  let options = [];
  let active = -1;
  let asked = "";
  let running = null;
  let waiting = 0;

  const metres = (value) => (value < 1000 ? `${wangge.number(value)} m` : `${wangge.number(value / 1000, 1)} km`);
  const gridOf = (found) => (found.area ? found.area.name : wangge.say("不在任何网格内", "in no grid"));

  /** What can be chosen from a reply: candidates, or one place for each datum that coordinates may be in. */
  const choices = (reply) => {
    if (reply.coordinates && !reply.candidates.length) {
      const { x, y, readings } = reply.coordinates;
      return readings.map((reading) => ({
        title: wangge.say(`坐标系 ${reading.datum.toUpperCase()}`, `as ${reading.datum.toUpperCase()}`),
        detail: gridOf(reading),
        place: reading,
        choose: () => locate({ lon: x, lat: y }, reading.datum),
      }));
    }
    return reply.candidates.map((found) => ({
      title: found.name,
      detail: [gridOf(found), wangge.say(`误差约 ${metres(found.uncertainty_m)}`, `within ${metres(found.uncertainty_m)}`),
        ...wangge.say(found.reasons.zh, found.reasons.en)].join(" · "),
      place: found,
      choose: () => locate({ lon: Number(found.lon.toFixed(6)), lat: Number(found.lat.toFixed(6)) }, "wgs84"),
    }));
  };

  const point = (at) => {
    active = at;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (at < 0) box.removeAttribute("aria-activedescendant");
    else {
      box.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
  };

  /** Locate a candidate; the list makes room for the answer until an arrow key asks for it again. */
  const choose = async (at) => {
    point(at);
    box.focus();
    await options[at].choose();
    expand(false);
    document.getElementById("answer").scrollIntoView({ block: "nearest" });
  };

  const expand = (open) => {
    list.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
  };

  const show = (reply) => {
    options = choices(reply);
    list.replaceChildren(...options.map((option, i) => wangge.make("li",
      { id: `candidate-${i}`, role: "option", onclick: () => choose(i) },
      wangge.make("span", { class: "candidate-name" }, option.title),
      wangge.make("span", { class: "hint" }, option.detail))));
    expand(options.length > 0);
    point(options.length && (reply.confident || options.length === 1) ? 0 : -1);
    said.textContent = summary(reply);
    marks.clearLayers();
    options.forEach(({ place, title }, i) => L.marker([place.lat, place.lon], {
      icon: L.divIcon({ className: "candidate-mark", html: String(i + 1), iconSize: [24, 24] }), title, keyboard: false, zIndexOffset: 1000 * (options.length - i),
    }).on("click", () => choose(i)).addTo(marks));
    // The map shows those that may well be meant, not the last resort.
    const likely = options.filter(({ place }) => place.score === undefined || place.score > options[0].place.score - LIKELY);
    if (likely.length) {
      map.fitBounds(L.latLngBounds(likely.map(({ place }) => [place.lat, place.lon])), { maxZoom: 16, padding: [50, 50], animate: false });
    }
  };

  const summary = (reply) => {
    if (reply.coordinates && !reply.candidates.length) {
      const swapped = reply.coordinates.swapped ? wangge.say("纬度在前，已对调。", "Latitude came first: swapped. ") : "";
      return swapped + wangge.say("这是哪个坐标系的坐标？同一组数字可相差 1.1 千米。", "Which datum is it in? The same numbers may be 1.1 km apart.");
    }
    if (!reply.candidates.length) return wangge.say("没有找到。换个说法，或说出道路、小区、路口。", "Nothing found: say it otherwise, or name a street, a compound, a crossing.");
    return reply.confident ? wangge.say("第一个最有把握，回车确认。", "The first is beyond doubt: Enter takes it.") : "";
  };

  const clear = () => {
    running?.abort();
    asked = "";
    options = [];
    active = -1;
    expand(false);
    list.replaceChildren();
    said.replaceChildren();
    marks.clearLayers();
    box.removeAttribute("aria-activedescendant");
  };

  const ask = async (text) => {
    running?.abort();
    running = new AbortController();
    const middle = map.getCenter();
    try {
      const reply = await wangge.fetchJson(
        wangge.address("/api/search", { q: text, near: `${middle.lng.toFixed(6)},${middle.lat.toFixed(6)}` }),
        { signal: running.signal });
      asked = text;
      show(reply);
      return reply;
    } catch (problem) {
      if (problem.name !== "AbortError") {
        clear();
        said.replaceChildren(wangge.problemBox(problem));
      }
      return null;
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    const text = box.value.trim();
    if (text.length < 2) clear();
    else waiting = setTimeout(() => ask(text), WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") { box.value = ""; clear(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      event.preventDefault();
      expand(true);
      point((active + step + options.length) % options.length);
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    const text = box.value.trim();
    if (text === asked && active >= 0) await choose(active);
    else if (text) {
      const reply = await ask(text);
      if (reply?.confident) await choose(0);
    }
  });
  const words = new URLSearchParams(location.search).get("q");
  if (words) {
    box.value = words;
    form.requestSubmit();
  }
})();
