"use strict";
/* The map of coverage: areas by share, compounds by status, the reach itself; along streets beside a circle. */

(() => {
  const CLASSES = [
    { below: 0.2, colour: "#d7191c", text: "0–20%" }, { below: 0.4, colour: "#fdae61", text: "20–40%" },
    { below: 0.6, colour: "#ffffbf", text: "40–60%" }, { below: 0.8, colour: "#abd9e9", text: "60–80%" },
    { below: Infinity, colour: "#2c7bb6", text: "80–100%" },
  ];
  const NO_DEMAND = { colour: "#c8cdd2", text: wangge.say("没有居民小区", "No demand") };
  const STATUS_COLOURS = { covered: "#2c7bb6", partial: "#f59f3a", uncovered: "#d7191c", unreachable: "#4d5863" };
  const STATUS_NAMES = wangge.chinese
    ? { covered: "已覆盖", partial: "部分覆盖", uncovered: "未覆盖", unreachable: "无法到达" }
    : { covered: "Covered", partial: "Partial", uncovered: "Uncovered", unreachable: "Unreachable" };
  const METHOD_NAMES = wangge.chinese ? { network: "沿道路步行", circle: "直线圆" } : { network: "Along streets", circle: "Straight circle" };
  const part = (name) => document.getElementById(name);

  const classOf = (share) => (share === null || share === undefined ? NO_DEMAND : CLASSES.find(({ below }) => share < below));

  /** What one method says at one budget. */
  class Result {
    constructor(data, method, minutes) {
      this.rows = new Map(data.rows.filter((row) => row.method === method && row.minutes === minutes).map((row) => [row.code, row]));
      this.drawing = data.drawings.find((drawing) => drawing.method === method && drawing.minutes === minutes);
      this.said = ({ result }) => result[method][minutes];
    }

    status(properties) {
      return this.said(properties)[0];
    }

    /** Share of a compound's gates, or of its border, that is reached. */
    share(properties) {
      return this.said(properties)[1];
    }

    total(key) {
      return [...this.rows.values()].reduce((sum, row) => sum + row[key], 0);
    }
  }

  /** One map of one method; `show(result)` redraws it for another budget. */
  class View {
    constructor(map, data, areas, method) {
      Object.assign(this, { map, data, method });
      const interactive = (layer, card) => layer.on("click", (event) => wangge.popup(map, event.latlng, card()));
      this.reach = L.geoJSON(null, { interactive: false });
      this.areas = L.geoJSON(data.areas, {
        onEachFeature: ({ properties }, layer) => interactive(layer, () => this.areaCard(properties)),
      });
      this.compounds = L.geoJSON(data.compounds, {
        pointToLayer: (feature, at) => L.circleMarker(at, { radius: 5 }),
        onEachFeature: ({ properties }, layer) => interactive(layer, () => this.compoundCard(properties)),
      });
      this.facilities = L.layerGroup(data.facilities.map(({ lon, lat, code, name }) =>
        interactive(L.circleMarker([lat, lon], { radius: 5, color: "#fff", weight: 1.5, fillColor: "#1c2733", fillOpacity: 1 }),
          () => wangge.make("div", {}, wangge.make("h3", {}, name), wangge.make("div", { class: "code" }, code)))));
      this.outline = areas.levels.district ? areas.outlines("district") : L.layerGroup();
      areas.labels(map, (level) => level === "subdistrict" || level === "community");
    }

    show(minutes) {
      this.minutes = minutes;
      this.result = new Result(this.data, this.method, minutes);
      const { result } = this;
      this.areas.setStyle(({ properties }) => ({
        fillColor: classOf(result.rows.get(properties.code)?.covered_share).colour, fillOpacity: 0.45, color: "#5a6b7b", weight: 0.8,
      }));
      this.compounds.setStyle(({ properties }) => ({
        fillColor: STATUS_COLOURS[result.status(properties)], fillOpacity: 0.9, color: "#ffffff", weight: 0.8,
      }));
      this.reach.clearLayers();
      if (result.drawing) this.reach.addData(result.drawing.geometry);
      this.reach.setStyle(this.method === "network"
        ? { color: "#0b5f8a", weight: 1.4, fillColor: "#0b5f8a", fillOpacity: 0.14 }
        : { color: "#7a3b9c", weight: 1.4, dashArray: "5 4", fillColor: "#7a3b9c", fillOpacity: 0.1 });
      this.arrange();
    }

    /** Put what is switched on onto the map, in its order. */
    arrange() {
      for (const name of ["areas", "reach", "compounds", "facilities"]) {
        this[name].remove();
        if (part(`show-${name}`).checked) this[name].addTo(this.map);
      }
      this.outline.remove().addTo(this.map);
    }

    areaCard({ code, name }) {
      const row = this.result.rows.get(code);
      return wangge.make("div", {}, wangge.make("h3", {}, name), wangge.make("div", { class: "code" }, code), wangge.facts([
        [METHOD_NAMES[this.method], `${this.minutes} ${wangge.say("分钟", "min")}`],
        [wangge.say("覆盖率", "Covered share"), wangge.percent(row?.covered_share)],
        [wangge.say("享有率", "Served share"), wangge.percent(row?.served_share)],
        [wangge.say("总量", "Demand"), wangge.number(row?.demand)],
        ...["covered", "partial", "uncovered", "unreachable"].map((key) => [STATUS_NAMES[key], wangge.number(row?.[key])]),
      ]));
    }

    compoundCard(properties) {
      const status = this.result.status(properties);
      return wangge.make("div", {}, wangge.make("h3", {}, properties.name), wangge.make("div", { class: "code" }, properties.code), wangge.facts([
        [METHOD_NAMES[this.method], `${this.minutes} ${wangge.say("分钟", "min")}`],
        [wangge.say("状态", "Status"), STATUS_NAMES[status]],
        [wangge.say("可达出入口占比", "Share of gates reached"), status === "unreachable" ? null : wangge.percent(this.result.share(properties))],
        [wangge.say("人口", "People"), properties.people === null ? null : wangge.number(properties.people)],
        [wangge.say("户数", "Households"), properties.households === null ? null : wangge.number(properties.households)],
      ]));
    }
  }

  /** Two maps that look at the same place. */
  const together = (first, second) => {
    let following = false;
    const follow = (from, to) => from.on("move", () => {
      if (following) return;
      following = true;
      to.setView(from.getCenter(), from.getZoom(), { animate: false });
      following = false;
    });
    follow(first, second);
    follow(second, first);
    second.setView(first.getCenter(), first.getZoom(), { animate: false });
  };

  const legend = (list, entries) => list.replaceChildren(...entries.map(({ colour, text, count }) => wangge.make("li", {},
    wangge.make("span", { class: "swatch", style: { background: colour } }), text, wangge.make("span", { class: "count" }, wangge.number(count)))));

  const worst = (result, zoomTo) => {
    const rows = [...result.rows.values()].filter((row) => row.demand > 0).sort((a, b) => b.uncovered - a.uncovered || a.covered_share - b.covered_share).slice(0, 12);
    return wangge.table([
      { title: wangge.say("区域", "Area"), value: (row) => wangge.make("button", { type: "button", class: "link", onclick: () => zoomTo(row.code) }, row.name || row.code) },
      { title: STATUS_NAMES.uncovered, number: true, value: (row) => wangge.number(row.uncovered) },
      { title: wangge.say("覆盖率", "Share"), number: true, value: (row) => wangge.percent(row.covered_share) },
    ], rows, { class: "figures-table" });
  };

  /** Draw it all; the form's own fields reload the page, the budget and the method do not. */
  wangge.coverage = async (map) => {
    const form = part("coverage-form");
    form?.addEventListener("change", () => form.requestSubmit());
    wangge.tell(map, wangge.say("正在计算覆盖…", "Computing coverage…"), { busy: true });
    let data;
    let areas;
    try {
      [data, areas] = await Promise.all([wangge.data("coverage"), wangge.data("areas")]);
    } catch (problem) {
      wangge.tell(map, problem);
      return;
    }
    wangge.tell(map, data.compounds.features.length ? null : wangge.say("没有居民小区，无法统计。", "There are no compounds to count."));
    areas = new wangge.Areas(areas);
    const views = [new View(map, data, areas, "network")];
    const stage = map.getContainer().parentElement;

    const compare = (on) => {
      stage.classList.toggle("compare", on);
      if (on && views.length === 1) {
        const holder = wangge.make("div", { class: "folium-map second", id: "second-map" });
        map.getContainer().after(holder);
        const second = wangge.createMap("second-map", { bounds: map.getBounds(), preferCanvas: true, minZoom: 8, maxZoom: 19 });
        wangge.streets(second);
        views.push(new View(second, data, areas, "circle"));
        for (const view of views) {
          view.map.invalidateSize({ animate: false });
          view.map.getContainer().append(wangge.make("div", { class: "map-title" }));
        }
        together(map, second);
      }
      map.invalidateSize({ animate: false });
      map.fitBounds(wangge.config.bounds, { padding: [12, 12], animate: false });
      update();
    };

    const update = () => {
      const minutes = Number(document.querySelector("input[name=budget]:checked").value);
      const method = document.querySelector("input[name=method]:checked").value;
      views[0].method = stage.classList.contains("compare") ? "network" : method;
      for (const view of views) {
        view.show(minutes);
        const title = view.map.getContainer().querySelector(".map-title");
        if (title) title.textContent = `${METHOD_NAMES[view.method]} · ${wangge.percent(view.result.total("covered") / view.result.total("demand"))}`;
      }
      const { result } = views[0];
      for (const name of ["network", "circle"]) {
        const said = new Result(data, name, minutes);
        part(`share-${name}`).textContent = wangge.percent(said.total("covered") / said.total("demand"));
        part(`share-${name}`).closest("div.figure").classList.toggle("chosen", views[0].method === name);
      }
      const counted = data.areas.features.map(({ properties }) => classOf(result.rows.get(properties.code)?.covered_share));
      legend(part("legend-areas"), [...CLASSES, NO_DEMAND].map((entry) => ({ ...entry, count: counted.filter((other) => other === entry).length })));
      const statuses = data.compounds.features.map(({ properties }) => result.status(properties));
      legend(part("legend-compounds"), Object.entries(STATUS_COLOURS).map(([status, colour]) =>
        ({ colour, text: STATUS_NAMES[status], count: statuses.filter((other) => other === status).length })));
      part("worst").replaceChildren(worst(result, (code) => {
        const feature = data.areas.features.find(({ properties }) => properties.code === code);
        map.fitBounds(L.geoJSON(feature).getBounds(), { padding: [40, 40], maxZoom: 17 });
      }));
    };

    for (const box of document.querySelectorAll("input[name=budget], input[name=method]")) box.addEventListener("change", update);
    for (const name of ["areas", "reach", "compounds", "facilities"]) {
      part(`show-${name}`).addEventListener("change", () => views.forEach((view) => view.arrange()));
    }
    part("compare").addEventListener("change", (event) => compare(event.target.checked));
    update();
  };
})();
