"use strict";
/* A scenario's coverage before and after: figures, the areas that change most, and these areas on the map. */

(() => {
  const CLASSES = [
    { below: -0.1, colour: "#b2182b", text: "< −10%" }, { below: -0.0005, colour: "#f4a582", text: "−10–0%" },
    { below: 0.0005, colour: "#e5e8eb", text: wangge.say("不变", "as before") },
    { below: 0.1, colour: "#92c5de", text: "0–10%" }, { below: Infinity, colour: "#2166ac", text: "> 10%" },
  ];
  const NOTHING = { colour: "#ffffff", text: wangge.say("没有居民", "No demand") };
  const MOST_ROWS = 15;

  const classOf = (change) => (change === null || change === undefined ? NOTHING : CLASSES.find(({ below }) => change < below));
  const signed = (value, said) => (value === null || value === undefined ? "—" : `${value > 0 ? "+" : ""}${said}`);
  const signedNumber = (value) => signed(value, wangge.number(value));
  const signedPercent = (value) => signed(value, wangge.percent(value));

  const total = (rows, key) => rows.reduce((sum, row) => sum + (row[key] ?? 0), 0);

  const served = (rows, side) => {
    const demand = total(rows, `demand_${side}`);
    return demand ? rows.reduce((sum, row) => sum + (row[`served_share_${side}`] ?? 0) * row[`demand_${side}`], 0) / demand : null;
  };

  /** Shows one comparison at a time in `group` on the map and in `result`. */
  wangge.ScenarioComparison = class {
    constructor(map, group, result) {
      Object.assign(this, { map, group, result });
    }

    clear() {
      this.group.clearLayers();
      this.result.replaceChildren();
    }

    async show(scenario, asked) {
      this.clear();
      this.result.replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在计算前后覆盖…", "Computing before and after…")));
      const address = `/api/scenarios/${scenario.id}/coverage`;
      try {
        const found = await wangge.fetchJson(wangge.address(address, { ...asked, format: "geojson" }));
        const rows = found.features.map(({ properties }) => properties);
        this.draw(found);
        this.result.replaceChildren(...this.describe(found, rows, wangge.address(address, asked)).filter(Boolean));
      } catch (problem) {
        this.result.replaceChildren(wangge.problemBox(problem));
      }
    }

    draw(found) {
      const areas = L.geoJSON(found, {
        style: ({ properties }) => ({ fillColor: classOf(properties.served_share_change).colour, fillOpacity: 0.6, color: "#5a6b7b", weight: 0.8 }),
        // A click places a change; what an area became is told where the pointer rests.
        onEachFeature: ({ properties }, layer) => layer.bindTooltip(() => this.card(properties), { sticky: true }),
      });
      areas.addTo(this.group).bringToBack();
      this.layers = new Map(areas.getLayers().map((layer) => [layer.feature.properties.code, layer]));
    }

    card(row) {
      return wangge.make("div", {}, wangge.make("h3", {}, row.name), wangge.make("div", { class: "code" }, row.code), wangge.facts([
        [wangge.say("服务率（前→后）", "Served, before → after"), `${wangge.percent(row.served_share_before)} → ${wangge.percent(row.served_share_after)}`],
        [wangge.say("覆盖（前→后）", "Covered, before → after"), `${wangge.number(row.covered_before)} → ${wangge.number(row.covered_after)}`],
        [wangge.say("总量", "Demand"), wangge.number(row.demand_after)],
        [wangge.say("平均步行（分）", "Mean walk, min"), `${wangge.number(row.mean_min_before, 1)} → ${wangge.number(row.mean_min_after, 1)}`],
      ]));
    }

    describe(found, rows, address) {
      const changed = rows.filter((row) => Math.abs(row.served_share_change ?? 0) > 0.0005 || row.covered_change)
        .sort((a, b) => Math.abs(b.covered_change ?? 0) - Math.abs(a.covered_change ?? 0) || Math.abs(b.served_share_change) - Math.abs(a.served_share_change));
      const covered = total(rows, "covered_after") - total(rows, "covered_before");
      return [
        wangge.figures([
          [wangge.say("服务率（前）", "Served before"), wangge.percent(served(rows, "before"))],
          [wangge.say("服务率（后）", "Served after"), wangge.percent(served(rows, "after"))],
          [wangge.say("覆盖变化", "Covered, change"), signedNumber(covered)],
        ]),
        wangge.make("ul", { class: "legend" }, [...CLASSES, NOTHING].map(({ colour, text }) => wangge.make("li", {},
          wangge.make("span", { class: "swatch", style: { background: colour } }), text))),
        changed.length ? wangge.make("div", { class: "table-wrap" }, wangge.table(this.columns(), changed.slice(0, MOST_ROWS)))
          : wangge.make("p", { class: "note" }, wangge.say("没有区域发生变化。", "No area changes.")),
        wangge.make("p", {}, wangge.make("span", { class: "label" }, wangge.say(`下载全部 ${rows.length} 行`, `Download all ${rows.length} rows`)), " ",
          ["csv", "xlsx", "geojson", "json"].flatMap((format) => [wangge.make("a", { href: `${address}&format=${format}` }, format.toUpperCase()), " "])),
        wangge.make("p", { class: "hint" }, wangge.say(
          `沿道路步行；基准为修订 ${found.revision}。颜色为服务率的变化。`, `On foot along streets; the base is revision ${found.revision}. Colours show the change of the served share.`)),
        wangge.faultList(found.faults),
      ];
    }

    columns() {
      return [
        { title: wangge.say("区域", "Area"), value: (row) => wangge.make("button", { type: "button", class: "link", onclick: () => this.zoom(row.code) }, row.name || row.code) },
        { title: wangge.say("覆盖前", "Before"), number: true, value: (row) => wangge.number(row.covered_before) },
        { title: wangge.say("覆盖后", "After"), number: true, value: (row) => wangge.number(row.covered_after) },
        { title: wangge.say("变化", "Change"), number: true, value: (row) => signedNumber(row.covered_change) },
        { title: wangge.say("服务率变化", "Served"), number: true, value: (row) => signedPercent(row.served_share_change) },
      ];
    }

    zoom(code) {
      const layer = this.layers.get(code);
      if (layer?.getBounds) this.map.fitBounds(layer.getBounds(), { padding: [40, 40], maxZoom: 16 });
    }
  };
})();
