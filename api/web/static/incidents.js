"use strict";
/* The map of incidents: columns of numbers, filtered in one pass and drawn on one canvas. */

(() => {
  const RULE_COLOURS = { inside: "#2b6cb0", border: "#d97706", overlap: "#8b3fd1", nearest: "#0b8a7c", none: "#b3261e", manual: "#475569" };
  const PALETTE = ["#2b6cb0", "#d97706", "#0b8a7c", "#b3261e", "#8b3fd1", "#6b7f1d", "#c2387a", "#475569", "#a0522d", "#1f8fbf"];
  const RULE_NAMES = wangge.chinese
    ? { inside: "位于网格内部", border: "正好在边界上", overlap: "网格重叠处", nearest: "就近归属", none: "无归属", manual: "人工指定" }
    : { inside: "Inside", border: "On a border", overlap: "In an overlap", nearest: "Nearest", none: "None", manual: "By hand" };
  const STATUS_NAMES = wangge.chinese ? { open: "办理中", closed: "已办结" } : { open: "Open", closed: "Closed" };
  const DAY = 1440;
  const CLUSTER_PX = 64;
  const HEAT_PX = 12;
  const POINTS_FROM_ZOOM = 16;

  /** All incidents as columns, with the mask of those that are shown. */
  class Incidents {
    constructor(data) {
      Object.assign(this, data);
      this.size = data.id.length;
      this.x = Float64Array.from(data.lon, (lon) => (lon * 1e-6 / 360 + 0.5) * 256);
      this.y = Float64Array.from(data.lat, (lat) => {
        const sine = Math.sin(lat * 1e-6 * Math.PI / 180);
        return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 256;
      });
      this.shown = new Uint8Array(this.size).fill(1);
      this.first = this.size ? Math.floor(data.minute[0] / DAY) : 0;
      this.last = this.size ? Math.floor(data.minute[this.size - 1] / DAY) : 0;
    }

    /** Keep what every chosen set holds; days count from 1970. */
    filter({ categories, statuses, rules, from, to }) {
      let kept = 0;
      for (let i = 0; i < this.size; i += 1) {
        const minute = this.minute[i];
        this.shown[i] = categories.has(this.category[i]) && statuses.has(this.status[i]) && rules.has(this.rule[i])
          && minute >= from * DAY && minute < (to + 1) * DAY;
        kept += this.shown[i];
      }
      return kept;
    }

    counts(column, of) {
      const counts = new Array(of).fill(0);
      for (const value of this[column]) if (value >= 0) counts[value] += 1;
      return counts;
    }
  }

  /** A canvas over the map that is redrawn when the map stands still. */
  const IncidentLayer = L.Layer.extend({
    initialize(incidents, colours) {
      this.incidents = incidents;
      this.colours = colours;
      this.mode = "clusters";
      this.by = "rule";
    },

    onAdd(map) {
      this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide");
      this.canvas.setAttribute("aria-hidden", "true");
      map.getPane("overlayPane").append(this.canvas);
      map.on("moveend zoomend resize", this.draw, this);
      this.draw();
    },

    /** The mode that is drawn now: far in, clusters dissolve into points. */
    effective() {
      return this.mode === "clusters" && this._map.getZoom() >= POINTS_FROM_ZOOM ? "points" : this.mode;
    },

    draw() {
      const size = this._map.getSize();
      const pad = size.multiplyBy(0.25).round();
      const topLeft = this._map.containerPointToLayerPoint(pad.multiplyBy(-1));
      const whole = size.add(pad.multiplyBy(2));
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      this.canvas.width = whole.x * ratio;
      this.canvas.height = whole.y * ratio;
      this.canvas.style.width = `${whole.x}px`;
      this.canvas.style.height = `${whole.y}px`;
      L.DomUtil.setPosition(this.canvas, topLeft);
      const origin = this._map.getPixelOrigin().add(topLeft);
      this.frame = { scale: 2 ** this._map.getZoom(), left: origin.x, top: origin.y, width: whole.x, height: whole.y };
      const context = this.canvas.getContext("2d");
      context.scale(ratio, ratio);
      this[this.effective()](context);
    },

    /** Call visit(i, x, y) for every shown incident on the canvas. */
    each(visit) {
      const { scale, left, top, width, height } = this.frame;
      const { x, y, shown, size } = this.incidents;
      for (let i = 0; i < size; i += 1) {
        if (!shown[i]) continue;
        const [px, py] = [x[i] * scale - left, y[i] * scale - top];
        if (px > -20 && py > -20 && px < width + 20 && py < height + 20) visit(i, px, py);
      }
    },

    points(context) {
      const column = this.incidents[this.by];
      const colours = this.colours[this.by];
      const radius = this._map.getZoom() >= 16 ? 5 : this._map.getZoom() >= 14 ? 3.2 : 2.2;
      const groups = new Map();
      this.each((i, x, y) => {
        const group = groups.get(column[i]);
        if (group) group.push(x, y); else groups.set(column[i], [x, y]);
      });
      context.globalAlpha = 0.85;
      for (const [value, xy] of groups) {
        context.beginPath();
        for (let k = 0; k < xy.length; k += 2) {
          context.moveTo(xy[k] + radius, xy[k + 1]);
          context.arc(xy[k], xy[k + 1], radius, 0, 2 * Math.PI);
        }
        context.fillStyle = colours[value];
        context.fill();
        if (radius > 4) { context.strokeStyle = "#fff"; context.lineWidth = 1; context.stroke(); }
      }
    },

    bins(size) {
      const bins = new Map();
      const { left, top } = this.frame;
      this.each((i, x, y) => {
        // Cells stay in place on the ground while the map moves.
        const key = `${Math.floor((x + left) / size)},${Math.floor((y + top) / size)}`;
        const bin = bins.get(key);
        if (bin) { bin.n += 1; bin.x += x; bin.y += y; } else bins.set(key, { n: 1, x, y });
      });
      return [...bins].map(([key, { n, x, y }]) => ({ key, n, x: x / n, y: y / n }));
    },

    clusters(context) {
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (const { n, x, y } of this.bins(CLUSTER_PX).sort((a, b) => a.n - b.n)) {
        const radius = n === 1 ? 4 : Math.min(8 + 1.9 * Math.log2(n), 27);
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fillStyle = "rgba(23, 99, 182, .82)";
        context.fill();
        context.lineWidth = 2;
        context.strokeStyle = "rgba(255, 255, 255, .9)";
        context.stroke();
        if (n === 1) continue;
        context.fillStyle = "#fff";
        context.font = `600 ${n > 999 ? 11 : 12}px "Noto Sans CJK SC", sans-serif`;
        context.fillText(n > 9999 ? `${Math.round(n / 1000)}k` : String(n), x, y + 0.5);
      }
    },

    heat(context) {
      const bins = this.bins(HEAT_PX);
      const most = bins.reduce((top, { n }) => Math.max(top, n), 1);
      const { left, top } = this.frame;
      for (const { key, n } of bins) {
        const [cx, cy] = key.split(",").map(Number);
        const strength = Math.sqrt(n / most);
        context.fillStyle = `hsla(${48 - 48 * strength}, 90%, ${62 - 22 * strength}%, ${0.35 + 0.5 * strength})`;
        context.fillRect(cx * HEAT_PX - left, cy * HEAT_PX - top, HEAT_PX, HEAT_PX);
      }
    },

    /** The incident nearest to a place of the map, within a finger's width; -1 for none. */
    at(latlng) {
      if (this.effective() !== "points") return -1;
      const { scale, left, top } = this.frame;
      const asked = this._map.project(latlng);
      let [best, found] = [12, -1];
      this.each((i, x, y) => {
        const distance = Math.hypot(x + left - asked.x, y + top - asked.y);
        if (distance < best) [best, found] = [distance, i];
      });
      return found;
    },
  });

  const dayText = (day) => new Date(day * 86400000).toISOString().slice(0, 10);
  const dayOf = (text) => Math.floor(Date.parse(`${text}T00:00:00Z`) / 86400000);

  /** Bars of shown incidents by week over all of them; dragging chooses days. */
  const histogram = (canvas, incidents, choose) => {
    const days = incidents.last - incidents.first + 1;
    const weeks = Math.max(1, Math.ceil(days / 7));
    const count = (only) => {
      const bars = new Array(weeks).fill(0);
      for (let i = 0; i < incidents.size; i += 1) {
        if (!only || incidents.shown[i]) bars[Math.min(weeks - 1, Math.floor((Math.floor(incidents.minute[i] / DAY) - incidents.first) / 7))] += 1;
      }
      return bars;
    };
    const all = count(false);
    const most = Math.max(...all, 1);
    const draw = () => {
      const ratio = window.devicePixelRatio || 1;
      const { clientWidth: width, clientHeight: height } = canvas;
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      const step = width / weeks;
      for (const [bars, colour] of [[all, "#d3dce5"], [count(true), "#1763b6"]]) {
        context.fillStyle = colour;
        bars.forEach((n, week) => {
          const tall = (height - 2) * n / most;
          context.fillRect(week * step + 0.5, height - tall, Math.max(1, step - 1), tall);
        });
      }
    };
    const dayAt = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      return Math.min(incidents.last, incidents.first + Math.floor(share * days));
    };
    let from = null;
    canvas.addEventListener("pointerdown", (event) => { from = dayAt(event); canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = dayAt(event);
      if (to !== from) choose(Math.min(from, to), Math.max(from, to));
    });
    canvas.addEventListener("pointerup", () => { from = null; });
    canvas.addEventListener("dblclick", () => choose(incidents.first, incidents.last));
    return draw;
  };

  /** Check boxes for the values of a column; returns what is chosen. */
  const checks = (holder, names, counts, colours, changed) => {
    names.forEach((name, value) => {
      if (!counts[value]) return;
      const swatch = colours ? wangge.make("span", { class: "swatch dot", style: { background: colours[value] } }) : null;
      holder.append(wangge.make("label", {}, wangge.make("input", { type: "checkbox", value, checked: true, onchange: changed }),
        swatch, name, wangge.make("span", { class: "count" }, wangge.number(counts[value]))));
    });
    return () => new Set([...holder.querySelectorAll("input:checked")].map((box) => Number(box.value)));
  };

  wangge.incidents = async (map) => {
    wangge.tell(map, wangge.say("正在读取事件…", "Reading the incidents…"), { busy: true });
    let data;
    let areas = null;
    try {
      [data, areas] = await Promise.all([wangge.data("incidents"), wangge.data("areas")]);
    } catch (problem) {
      wangge.tell(map, problem);
      return;
    }
    areas = new wangge.Areas(areas);
    const outlines = {};
    for (const level of [...wangge.LEVELS].reverse()) {
      if (areas.levels[level]) outlines[level] = areas.outlines(level, level === "grid" ? { opacity: 0.45 } : {}).addTo(map);
    }
    wangge.fitOutlines(map, outlines);
    const incidents = new Incidents(data);
    wangge.tell(map, incidents.size ? null : wangge.say("没有可显示的事件。", "There are no incidents to show."));
    const names = {
      category: data.categories.map(([, zh, en]) => wangge.say(zh, en)),
      status: data.statuses.map((status) => STATUS_NAMES[status] || status),
      rule: data.rules.map((rule) => RULE_NAMES[rule]),
    };
    const colours = {
      rule: data.rules.map((rule) => RULE_COLOURS[rule]),
      category: names.category.map((_, i) => PALETTE[i % PALETTE.length]),
      status: names.status.map((_, i) => PALETTE[i % PALETTE.length]),
    };
    const layer = new IncidentLayer(incidents, colours).addTo(map);
    areas.labels(map, (level) => level !== "grid");

    const part = (name) => document.getElementById(name);
    let drawHistogram = () => {};
    const apply = () => {
      const kept = incidents.filter({
        categories: chosen.category(), statuses: chosen.status(), rules: chosen.rule(),
        from: dayOf(part("from").value), to: dayOf(part("to").value),
      });
      part("kept").textContent = `${wangge.number(kept)} / ${wangge.number(incidents.size)}`;
      layer.draw();
      drawHistogram();
    };
    const chosen = Object.fromEntries(["rule", "status", "category"].map((column) =>
      [column, checks(part(`choose-${column}`), names[column], incidents.counts(column, names[column].length), colours[column], apply)]));
    const setDays = (from, to) => { part("from").value = dayText(from); part("to").value = dayText(to); };
    setDays(incidents.first, incidents.last);
    for (const name of ["from", "to"]) {
      part(name).min = dayText(incidents.first);
      part(name).max = dayText(incidents.last);
      part(name).addEventListener("change", () => {
        if (part("from").value && part("to").value) apply();
      });
    }
    drawHistogram = histogram(part("histogram"), incidents, (from, to) => { setDays(from, to); apply(); });
    for (const button of document.querySelectorAll("[data-all]")) {
      button.addEventListener("click", () => {
        const boxes = [...part(`choose-${button.dataset.all}`).querySelectorAll("input")];
        const on = boxes.some((box) => !box.checked);
        for (const box of boxes) box.checked = on;
        apply();
      });
    }
    for (const box of document.querySelectorAll("input[name=mode]")) {
      box.addEventListener("change", () => { layer.mode = box.value; layer.draw(); });
    }
    part("by").addEventListener("change", () => { layer.by = part("by").value; layer.draw(); });
    if (data.unplaced) part("unplaced").textContent = wangge.say(`另有 ${wangge.number(data.unplaced)} 件没有坐标，不在图上。`, `${wangge.number(data.unplaced)} more have no coordinates and are not on the map.`);
    apply();

    map.on("click", async ({ latlng }) => {
      const i = layer.at(latlng);
      if (i < 0) return;
      const area = areas.byCode.get(data.areas[data.area[i]]);
      const when = new Date(data.minute[i] * 60000).toLocaleString(wangge.chinese ? "zh-CN" : "en-GB", { timeZone: "UTC", dateStyle: "medium", timeStyle: "short" });
      const card = (more) => wangge.make("div", {}, wangge.make("h3", {}, names.category[data.category[i]]), wangge.facts([
        [wangge.say("时间", "Reported"), when],
        [wangge.say("状态", "Status"), names.status[data.status[i]]],
        [wangge.say("归属", "Area"), area ? area.feature.properties.name : "—"],
        [wangge.say("编码", "Code"), data.areas[data.area[i]]],
        [wangge.say("规则", "Rule"), names.rule[data.rule[i]]],
        ...more,
      ]));
      const at = L.latLng(data.lat[i] * 1e-6, data.lon[i] * 1e-6);
      const popup = wangge.popup(map, at, card([]));
      if (!wangge.config.data.incident) return;
      try {
        const found = await wangge.fetchJson(wangge.config.data.incident + data.id[i]);
        popup.setContent(card([
          [wangge.say("描述", "Description"), found.description],
          [wangge.say("地址", "Address"), found.address],
          [wangge.say("处理", "Do"), wangge.make("a", { href: wangge.page(`/incidents/${data.id[i]}`) }, wangge.say("打开 · 移交给邻格", "Open · hand to a neighbour"))],
        ]));
      } catch (problem) {
        popup.setContent(wangge.problemBox(problem));
      }
    });
  };
})();
