"use strict";
/* One draft: its map and tables, its steps undone and redone, its notes. What the server renders is taken from it again
   after each write. */

(() => {
  const part = (name) => document.getElementById(name);
  const address = `/api/drafts/${wangge.config.chosen.id}`;
  const map = wangge.createMap("map", { bounds: wangge.config.bounds, preferCanvas: true, minZoom: 8, maxZoom: 20 });
  const defects = wangge.draftDefects(map, address);
  const impact = wangge.draftImpact(address);
  let drawn = null;

  const told = (message) => part("told").replaceChildren(...(message ? [message instanceof Error ? wangge.problemBox(message) : wangge.make("p", { class: "note good" }, message)] : []));

  // --- what changed ---

  /** What a feature is before and after, asked for when somebody wants to know. */
  const values = ({ layer, code }) => {
    const box = wangge.make("div", {});
    const fill = async () => {
      if (box.childElementCount) return;
      try {
        const { before, after } = await wangge.fetchJson(`${address}/features/${layer}/${encodeURIComponent(code)}`);
        const titles = [wangge.say("基准中", "In the base"), wangge.say("草稿中", "In the draft")];
        box.replaceChildren(wangge.changedFields(layer, before?.properties.attributes ?? {}, after?.properties.attributes ?? {}, titles));
      } catch (problem) {
        box.replaceChildren(wangge.problemBox(problem));
      }
    };
    return wangge.make("details", { ontoggle: fill }, wangge.make("summary", {}, wangge.say("前后对照", "Before and after")), box);
  };

  const card = (properties) => {
    const content = wangge.describedChange(properties);
    content.append(values(properties));
    return content;
  };

  const draw = async () => {
    const data = await wangge.data("diff");
    const first = drawn === null;
    drawn?.group.remove();
    map.closePopup();
    drawn = wangge.drawDiff(map, data, { card, same: wangge.say("与基准没有差别。", "It is the same as its base.") });
    if (first && drawn.bounds) map.fitBounds(drawn.bounds, { maxZoom: 17, padding: [40, 40], animate: false });
  };

  // --- what the server renders ---

  /** Read the page again and put its live parts in the place of ours; the focus stays where it was. */
  const reread = async () => {
    const reply = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!reply.ok) throw new wangge.Problem(wangge.say("页面没有更新，请刷新。", "The page is out of date: reload it."), [], reply.status);
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    const focused = document.activeElement?.id;
    for (const live of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(live.id);
      if (now) live.replaceWith(document.adoptNode(now));
    }
    // A draft takes files while it is open; the form stays, so that what was filled in does.
    part("importing").hidden = part("standing").dataset.status !== "open";
    if (focused) part(focused)?.focus();
    pins();
  };

  /** Names the version that the page shows: a write to another one is refused. */
  wangge.draftVersion = () => ({ "If-Match": `"${part("standing").dataset.version}"` });

  /** Show the draft as it is after a write; `problem` is told where the write was refused. */
  wangge.draftChanged = async (problem = null) => {
    told(problem);
    try {
      await Promise.all([reread(), draw()]);
      defects.judge();
      impact.forget();
    } catch (failure) {
      told(failure);
    }
  };

  // --- steps ---

  let stepping = false;

  const step = async (way) => {
    if (stepping || part(way)?.disabled !== false) return;
    stepping = true;
    try {
      await wangge.send(`${address}/${way}`, {}, { headers: wangge.draftVersion() });
      await wangge.draftChanged();
    } catch (problem) {
      // Where somebody else wrote to it, the page shows what it is now.
      await wangge.draftChanged(problem);
    } finally {
      stepping = false;
    }
  };

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.closest("input, textarea, select, dialog")) return;
    const key = event.key.toLowerCase();
    const way = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
    if (!way) return;
    event.preventDefault();
    step(way);
  });

  // --- notes ---

  const notePins = L.layerGroup().addTo(map);

  const pins = () => {
    notePins.clearLayers();
    for (const { dataset } of document.querySelectorAll("#notes [data-lon]")) {
      L.circleMarker([Number(dataset.lat), Number(dataset.lon)], { radius: 7, color: "#fff", weight: 2, fillColor: "#8a4b00", fillOpacity: 1, interactive: false }).addTo(notePins);
    }
  };

  map.on("click", ({ latlng }) => { part("note-place").value = `${latlng.lng.toFixed(6)}, ${latlng.lat.toFixed(6)}`; });

  const placeOf = (text) => {
    const found = text.split(/[\s,，]+/u).filter(Boolean).map(Number);
    return found.length === 2 && found.every(Number.isFinite) ? found : null;
  };

  part("note-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [text, where] = [part("note-text").value.trim(), part("note-place").value.trim()];
    const wrong = [text ? null : wangge.say("请填写备注。", "Write something."),
      where && !placeOf(where) ? wangge.say("位置应为“经度, 纬度”。", "A place is “longitude, latitude”.") : null].filter(Boolean);
    part("note-refused").replaceChildren();
    if (wrong.length) {
      part("note-refused").replaceChildren(wangge.problemBox(new wangge.Problem(wangge.say("备注没有添加", "The note was not added"), wrong)));
      return;
    }
    const [lon, lat] = placeOf(where) || [];
    try {
      await wangge.send(`${address}/notes`, where ? { text, lon, lat } : { text });
      part("note-form").reset();
      await reread();
    } catch (problem) {
      part("note-refused").replaceChildren(wangge.problemBox(problem));
    }
  });

  document.addEventListener("click", ({ target }) => {
    const way = target.closest("[data-step]")?.dataset.step;
    if (way) step(way);
    const place = target.closest("#notes [data-lon]")?.dataset;
    if (place) map.setView([Number(place.lat), Number(place.lon)], 18, { animate: false });
  });

  wangge.streets(map);
  wangge.data("areas").then((data) => wangge.drawGround(map, new wangge.Areas(data))).catch((problem) => wangge.tell(map, problem));
  draw().catch(told);
  defects.judge();
  pins();
})();
