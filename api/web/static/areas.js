"use strict";
/* Maps of areas: the map itself, outlines by level, names, and messages on it. */

(() => {
  /** Tints that keep apart for common colour blindness; text stays readable on them. */
  const TINTS = ["#8fb8de", "#f2c48d", "#a8d5ba", "#d9a7c7", "#c9c27a", "#9fd3d6", "#e6a8a1", "#b9b4e0"];
  const OUTLINES = {
    district: { color: "#5b2a6e", weight: 3.2, opacity: 0.9 },
    subdistrict: { color: "#2f5d8c", weight: 2.4, opacity: 0.9 },
    community: { color: "#47647f", weight: 1.3, opacity: 0.85 },
    grid: { color: "#6e8296", weight: 0.7, opacity: 0.8 },
  };
  const LABELS_FROM = { subdistrict: [0, 14], community: [14, 16], grid: [16, 20] };
  // Width of a character of a name, in pixels.
  const LABEL_EM = { subdistrict: 18, community: 13.6, grid: 12 };
  wangge.LEVELS = ["district", "subdistrict", "community", "grid"];
  wangge.LEVEL_NAMES = wangge.chinese
    ? { district: "区县", subdistrict: "街道", community: "社区", grid: "网格" }
    : { district: "District", subdistrict: "Subdistrict", community: "Community", grid: "Grid" };
  wangge.OUTLINES = OUTLINES;

  /** The Leaflet map of a page. */
  wangge.createMap = (id, options) => {
    const map = L.map(id, { attributionControl: false, zoomControl: false, zoomSnap: 0.25, ...options });
    L.control.zoom({
      position: "topright", zoomInTitle: wangge.say("放大", "Zoom in"), zoomOutTitle: wangge.say("缩小", "Zoom out"),
    }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
    const attribution = L.control.attribution({ prefix: false }).addTo(map);
    for (const text of wangge.config.attributions) attribution.addAttribution(escapeText(text));
    map.fitBounds(options.bounds, { padding: [12, 12], animate: false });
    return map;
  };

  /** Text as HTML; Leaflet takes attributions as HTML. */
  const escapeText = (text) => {
    const holder = document.createElement("span");
    holder.textContent = text;
    return holder.innerHTML;
  };

  /** Say something over the map: a Problem, or text; nothing clears it. */
  wangge.tell = (map, message, { busy = false } = {}) => {
    const box = map.getContainer().parentElement;
    box.querySelector(".map-message")?.remove();
    if (!message) return;
    const bad = message instanceof Error;
    box.append(wangge.make("div", { class: `map-message${bad ? " bad" : ""}`, role: bad ? "alert" : "status" },
      wangge.make("span", { class: busy ? "busy" : null }, bad ? [message.message, ...(message.faults || [])].join(wangge.say("。", ". ")) : message)));
  };

  /** Keep outlines (by level) as thin as the zoom asks: a whole city of grids would be a blot. */
  wangge.fitOutlines = (map, outlines) => {
    const fit = () => {
      const zoom = map.getZoom();
      const factor = zoom < 11 ? 0.35 : zoom < 13 ? 0.7 : zoom < 16 ? 1 : 1.5;
      for (const [level, layer] of Object.entries(outlines)) layer.setStyle({ weight: OUTLINES[level].weight * factor });
    };
    map.on("zoomend", fit);
    fit();
  };

  /** Areas by level with look-ups by code. */
  wangge.Areas = class {
    constructor(data) {
      this.levels = data.levels;
      this.posts = data.posts || {};
      this.byCode = new Map();
      for (const level of wangge.LEVELS) {
        for (const feature of this.levels[level]?.features || []) {
          this.byCode.set(feature.properties.code, { level, feature });
        }
      }
      this.tintOf = this.tints();
    }

    /** From the top level down to the area. */
    path(code) {
      const path = [];
      for (let at = this.byCode.get(code); at && path.length < 4; at = this.byCode.get(at.feature.properties.parent)) {
        path.unshift(at);
      }
      return path;
    }

    /** One tint for each area of the highest level that has several. */
    tints() {
      const level = wangge.LEVELS.find((name) => (this.levels[name]?.features.length || 0) > 1);
      const tints = new Map((this.levels[level]?.features || []).map((feature, i) =>
        [feature.properties.code, TINTS[i % TINTS.length]]));
      return (code) => {
        for (const step of this.path(code)) {
          const tint = tints.get(step.feature.properties.code);
          if (tint) return tint;
        }
        return TINTS[0];
      };
    }

    /** A name without its parent's in front, which the map shows anyway. */
    shortName({ name, parent }) {
      const above = this.byCode.get(parent)?.feature.properties.name;
      return above && name.length > above.length && name.startsWith(above) ? name.slice(above.length) : name;
    }

    /** A canvas layer of one level's outlines, thin below thick. */
    outlines(level, style = {}) {
      return L.geoJSON(this.levels[level], { interactive: false, style: { ...OUTLINES[level], fill: false, ...style } });
    }

    /** Names of the level that suits the zoom, only where they are in view. */
    labels(map, shown = () => true) {
      const group = L.layerGroup().addTo(map);
      const place = () => {
        group.clearLayers();
        const zoom = map.getZoom();
        const view = map.getBounds().pad(0.05);
        const taken = [];
        for (const [level, [from, to]] of Object.entries(LABELS_FROM)) {
          if (zoom < from || zoom >= to || !shown(level)) continue;
          for (const { properties } of this.levels[level]?.features || []) {
            const at = L.latLng(properties.at[1], properties.at[0]);
            if (!view.contains(at)) continue;
            const name = this.shortName(properties);
            const { x, y } = map.latLngToContainerPoint(at);
            const half = LABEL_EM[level] * name.length / 2 + 4;
            if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 20)) continue;
            taken.push({ x, y, half });
            const text = wangge.make("span", {}, name);
            const icon = L.divIcon({ className: `area-label ${level}`, html: text, iconSize: [0, 0] });
            L.marker(at, { icon, interactive: false, keyboard: false }).addTo(group);
          }
        }
      };
      map.on("moveend", place);
      place();
      return place;
    }

    /** Card of one area, for a popup. */
    card(code) {
      const { level, feature } = this.byCode.get(code);
      const { name, people, households, kind } = feature.properties;
      const path = this.path(code).slice(0, -1).map((step) => wangge.make("span", {}, step.feature.properties.name));
      const posts = this.posts[code] || [];
      return wangge.make("div", {},
        wangge.make("h3", {}, name), wangge.make("div", { class: "code" }, code),
        path.length ? wangge.make("div", { class: "crumbs" }, path) : null,
        wangge.facts([
          [wangge.say("层级", "Level"), wangge.LEVEL_NAMES[level] + (kind === "dedicated" ? wangge.say("（专属）", " (dedicated)") : "")],
          [wangge.say("人口", "People"), people === null ? null : wangge.number(people)],
          [wangge.say("户数", "Households"), households === null ? null : wangge.number(households)],
        ]),
        posts.length ? wangge.postsTable(posts) : null);
    }
  };

  /** A popup with an element in it. */
  wangge.popup = (map, latlng, content) =>
    L.popup({ maxWidth: 360, autoPanPadding: [20, 20] }).setLatLng(latlng).setContent(content).openOn(map);
})();
