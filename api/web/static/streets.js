"use strict";
/* The base map: our own streets drawn on canvas tiles, so that panning redraws only what comes into view. */

(() => {
  // For each class: zoom from which it shows, [zoom, width] steps, colour, colour of its edge, dashes.
  const STYLES = {
    motorway: { from: 8, widths: [[8, 1], [12, 2.4], [14, 4], [16, 8], [19, 18]], fill: "#f0c987", edge: "#c79a52" },
    primary: { from: 9, widths: [[9, 0.8], [12, 2], [14, 3.6], [16, 8], [19, 18]], fill: "#fbe3a8", edge: "#cdb06a" },
    secondary: { from: 10, widths: [[10, 0.7], [13, 2.2], [16, 7], [19, 16]], fill: "#fdf3d0", edge: "#cfc39a" },
    tertiary: { from: 11, widths: [[11, 0.6], [14, 2.2], [16, 6], [19, 14]], fill: "#ffffff", edge: "#c6c9cc" },
    street: { from: 12.5, widths: [[12.5, 0.4], [14, 1.3], [16, 4.6], [19, 12]], fill: "#ffffff", edge: "#cfd2d4" },
    service: { from: 14.5, widths: [[14, 0.5], [16, 2.4], [19, 7]], fill: "#ffffff", edge: "#d8dadc" },
    path: { from: 15, widths: [[15, 0.6], [19, 2]], fill: "#b9a994", dash: [3, 2.5] },
  };
  const INDEX_ZOOM = 14;
  const NAME_ZOOM = 16;
  const TILE = 256;

  const widthAt = (steps, zoom) => {
    let [z0, w0] = steps[0];
    if (zoom <= z0) return w0;
    for (const [z1, w1] of steps.slice(1)) {
      if (zoom <= z1) return w0 + (w1 - w0) * (zoom - z0) / (z1 - z0);
      [z0, w0] = [z1, w1];
    }
    return w0;
  };

  /** Lines of one class in pixels of zoom 0, indexed by the tiles of INDEX_ZOOM they touch. */
  class Lines {
    constructor({ class: name, name: nameOf, xy, counts }) {
      this.style = STYLES[name];
      this.nameOf = nameOf;
      const total = xy.length / 2;
      this.x = new Float64Array(total);
      this.y = new Float64Array(total);
      let lon = 0;
      let lat = 0;
      for (let i = 0; i < total; i += 1) {
        lon += xy[2 * i];
        lat += xy[2 * i + 1];
        const sine = Math.sin(lat * 1e-6 * Math.PI / 180);
        this.x[i] = (lon * 1e-6 / 360 + 0.5) * TILE;
        this.y[i] = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * TILE;
      }
      this.first = new Uint32Array(counts.length + 1);
      counts.forEach((count, line) => { this.first[line + 1] = this.first[line] + count; });
      this.index = new Map();
      for (let line = 0; line < counts.length; line += 1) this.file(line);
      this.labels = new Map();
    }

    file(line) {
      const scale = 2 ** INDEX_ZOOM / TILE;
      let [west, south, east, north] = [Infinity, -Infinity, -Infinity, Infinity];
      for (let i = this.first[line]; i < this.first[line + 1]; i += 1) {
        west = Math.min(west, this.x[i]); east = Math.max(east, this.x[i]);
        north = Math.min(north, this.y[i]); south = Math.max(south, this.y[i]);
      }
      // A line is also filed a little beyond its ends, so that its width and name are drawn in both tiles.
      const pad = 0.08;
      for (let tx = Math.floor(west * scale - pad); tx <= Math.floor(east * scale + pad); tx += 1) {
        for (let ty = Math.floor(north * scale - pad); ty <= Math.floor(south * scale + pad); ty += 1) {
          const key = tx * 2 ** INDEX_ZOOM + ty;
          const bucket = this.index.get(key);
          if (bucket) bucket.push(line); else this.index.set(key, [line]);
        }
      }
    }

    /** Line numbers that may show in a tile; in wide tiles a line may come more than once. */
    * inTile({ x, y, z }) {
      const shift = 2 ** Math.abs(z - INDEX_ZOOM);
      if (z >= INDEX_ZOOM) {
        yield* this.index.get(Math.floor(x / shift) * 2 ** INDEX_ZOOM + Math.floor(y / shift)) || [];
        return;
      }
      const seen = new Set();
      for (let tx = x * shift; tx < (x + 1) * shift; tx += 1) {
        for (let ty = y * shift; ty < (y + 1) * shift; ty += 1) {
          for (const line of this.index.get(tx * 2 ** INDEX_ZOOM + ty) || []) {
            if (!seen.has(line)) { seen.add(line); yield line; }
          }
        }
      }
    }

    trace(context, tile) {
      const scale = 2 ** tile.z;
      const [left, top] = [tile.x * TILE, tile.y * TILE];
      context.beginPath();
      for (const line of this.inTile(tile)) {
        const last = this.first[line + 1];
        let i = this.first[line];
        context.moveTo(this.x[i] * scale - left, this.y[i] * scale - top);
        for (i += 1; i < last; i += 1) context.lineTo(this.x[i] * scale - left, this.y[i] * scale - top);
      }
    }

    /** The longest straight stretch of a line: its middle, angle and length in pixels of zoom 0. */
    stretch(line) {
      let best = { length: 0 };
      for (let i = this.first[line]; i + 1 < this.first[line + 1]; i += 1) {
        const [dx, dy] = [this.x[i + 1] - this.x[i], this.y[i + 1] - this.y[i]];
        const length = Math.hypot(dx, dy);
        if (length > best.length) {
          let angle = Math.atan2(dy, dx);
          if (angle > Math.PI / 2) angle -= Math.PI;
          if (angle < -Math.PI / 2) angle += Math.PI;
          best = { length, angle, x: (this.x[i] + this.x[i + 1]) / 2, y: (this.y[i] + this.y[i + 1]) / 2 };
        }
      }
      return best;
    }
  }

  /** Where street names stand: the longest stretches of each street, no two of one name close together. */
  const placeNames = (classes, names) => {
    const apart = 420 / 2 ** NAME_ZOOM;
    const candidates = [];
    classes.forEach((lines) => lines.nameOf.forEach((name, line) => {
      if (name >= 0) candidates.push({ ...lines.stretch(line), name });
    }));
    candidates.sort((a, b) => b.length - a.length);
    const taken = new Map();
    const index = new Map();
    for (const label of candidates) {
      const others = taken.get(label.name) || [];
      if (others.some((other) => Math.hypot(other.x - label.x, other.y - label.y) < apart)) continue;
      others.push(label);
      taken.set(label.name, others);
      const [tx, ty] = [label.x, label.y].map((at) => Math.floor(at * 2 ** INDEX_ZOOM / TILE));
      for (const [dx, dy] of [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]]) {
        const key = (tx + dx) * 2 ** INDEX_ZOOM + ty + dy;
        const bucket = index.get(key);
        const placed = { ...label, text: names[label.name] };
        if (bucket) bucket.push(placed); else index.set(key, [placed]);
      }
    }
    return index;
  };

  const StreetTiles = L.GridLayer.extend({
    options: { maxZoom: 19, updateWhenZooming: false, keepBuffer: 3, className: "street-tiles" },

    initialize(data, options) {
      L.setOptions(this, options);
      this.classes = data.classes.map((layer) => new Lines(layer));
      this.names = placeNames(this.classes, data.names);
    },

    createTile(coords) {
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = TILE * ratio;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      context.lineCap = context.lineJoin = "round";
      const shown = this.classes.filter((lines) => coords.z >= lines.style.from).reverse();
      for (const pass of ["edge", "fill"]) {
        for (const lines of shown) {
          const { widths, dash } = lines.style;
          const width = widthAt(widths, coords.z);
          if (!lines.style[pass] || (pass === "edge" && width < 1.6)) continue;
          lines.trace(context, coords);
          context.setLineDash(dash || []);
          const thin = pass === "fill" && width < 1.6 && lines.style.edge;
          context.strokeStyle = thin ? lines.style.edge : lines.style[pass];
          context.lineWidth = pass === "edge" ? width + 1.4 : width;
          context.stroke();
        }
      }
      if (coords.z >= NAME_ZOOM) this.write(context, coords);
      return canvas;
    },

    write(context, { x, y, z }) {
      const shift = 2 ** (z - INDEX_ZOOM);
      const scale = 2 ** z;
      context.font = `${z >= 18 ? 13 : 11.5}px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 3;
      context.setLineDash([]);
      for (const label of this.names.get(Math.floor(x / shift) * 2 ** INDEX_ZOOM + Math.floor(y / shift)) || []) {
        if (label.length * scale < 14 * label.text.length * 0.8) continue;
        context.save();
        context.translate(label.x * scale - x * TILE, label.y * scale - y * TILE);
        context.rotate(label.angle);
        context.strokeStyle = "rgba(255,255,255,.9)";
        context.strokeText(label.text, 0, 0);
        context.fillStyle = "#5a6470";
        context.fillText(label.text, 0, 0);
        context.restore();
      }
    },
  });

  /** Put the streets under a map. */
  wangge.streets = (map) => wangge.data("streets").then((data) => {
    if (data) new StreetTiles(data, { pane: "tilePane" }).addTo(map);
  }, (problem) => wangge.tell(map, problem));
})();
