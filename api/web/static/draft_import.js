"use strict";
/* A file into a draft: what it would change is drawn and listed first, and stored only once that is confirmed. */

(() => {
  const LISTED = 200;
  const [STALE, CONFLICT] = [412, 409];
  const part = (name) => document.getElementById(name);
  const dialog = part("import-preview");
  const { id, kinds, layers } = wangge.config.chosen;
  const layerName = (key) => layers[key] || key;
  /** What was previewed: file, query, the draft's version then, and the key under which it is stored once. */
  let asked = null;
  let view = null;
  let drawn = null;

  const busy = (text) => wangge.make("p", { class: "busy" }, text);

  const send = ({ layer, query, body }, headers = {}) => wangge.fetchJson(
    wangge.address(`/api/drafts/${id}/imports/${layer}`, query), {
      method: "POST", body,
      headers: { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRF-Token": wangge.config.csrf || "", ...headers },
    });

  /** What the form asks for. The file is read once, so that what is confirmed is what was previewed. */
  const said = async () => {
    const [file] = part("import-file").files;
    if (!file) throw new wangge.Problem(wangge.say("请选择文件。", "Choose a file."));
    const value = (name) => part(`import-${name}`).value.trim();
    const columns = value("columns").split(/[,，;；\n]/u).map((each) => each.trim());
    let body;
    try {
      body = await file.arrayBuffer();
    } catch {
      throw new wangge.Problem(wangge.say("文件读不出来，请重新选择。", "The file cannot be read: choose it again."));
    }
    const query = { name: file.name, mode: value("mode"), crs: value("crs"), on_invalid: value("invalid"), map: columns, note: value("note") };
    return { layer: value("layer"), query, body };
  };

  // --- the preview ---

  /** The map of the box, made when it is first seen: a hidden one has no size. */
  const opened = () => {
    if (view) return view;
    const map = wangge.createMap("import-map", { bounds: wangge.config.bounds, preferCanvas: true, minZoom: 8, maxZoom: 20 });
    wangge.streets(map);
    wangge.data("areas").then((data) => wangge.drawGround(map, new wangge.Areas(data))).catch((problem) => wangge.tell(map, problem));
    view = { map, defects: wangge.defectLists(map) };
    return view;
  };

  const facts = ({ rows, reference, layers: changed }) => wangge.facts([
    [wangge.say("记录", "Records"), wangge.say(
      `读入 ${wangge.number(rows.read)}，导入 ${wangge.number(rows.imported)}，拒收 ${wangge.number(rows.rejected)}`,
      `${wangge.number(rows.read)} read, ${wangge.number(rows.imported)} imported, ${wangge.number(rows.rejected)} rejected`)],
    [wangge.say("要素", "Features"), wangge.say(
      `新增 ${wangge.number(rows.added)}，变动 ${wangge.number(rows.changed)}，不变 ${wangge.number(rows.unchanged)}，撤销 ${wangge.number(rows.removed)}`,
      `${wangge.number(rows.added)} added, ${wangge.number(rows.changed)} changed, ${wangge.number(rows.unchanged)} unchanged, ${wangge.number(rows.removed)} removed`)],
    ...changed.filter(({ land_m2: land }) => land).map(({ layer, land_m2: land }) => [
      wangge.say(`土地（${layerName(layer)}）`, `Land (${layerName(layer)})`), wangge.say(
        `新增 ${wangge.number(land.added)} m²，失去 ${wangge.number(land.removed)} m²，易主 ${wangge.number(land.changed_hands)} m²`,
        `${wangge.number(land.added)} m² added, ${wangge.number(land.removed)} m² removed, ${wangge.number(land.changed_hands)} m² changes hands`)]),
    [wangge.say("坐标", "Coordinates"), reference],
  ]);

  const rejects = (rows, count) => (rows.length ? [
    wangge.make("p", { class: "note warn" }, wangge.say(`${wangge.number(count)} 条记录有误，不会导入。`, `Records at fault, left out: ${wangge.number(count)}`)),
    wangge.make("div", { class: "table-wrap tall" }, wangge.table([
      { title: wangge.say("行", "Row"), number: true, value: ({ row }) => row ?? "—" },
      { title: wangge.say("问题", "Fault"), value: ({ kind }) => kinds[kind] || kind },
      { title: wangge.say("说明", "What it is"), value: ({ message }) => message },
    ], rows.slice(0, LISTED))),
  ] : []);

  /** Describes a feature with its fields now and then: an import knows features by code. */
  const cards = (features) => {
    const key = ({ layer, code }, state) => JSON.stringify([layer, code, state]);
    const found = new Map(features.map(({ properties }) => [key(properties, properties.state), properties.attributes]));
    return (properties) => {
      const content = wangge.describedChange(properties);
      const [before, after] = ["before", "after"].map((state) => found.get(key(properties, state)) ?? {});
      if (properties.code !== null) content.append(wangge.changedFields(properties.layer, before, after, [wangge.say("现在", "Now"), wangge.say("导入后", "After the import")]));
      return content;
    };
  };

  const show = (reply, name) => {
    part("import-name").textContent = name;
    part("import-refused").replaceChildren();
    part("import-go").disabled = !reply.layers.length;
    dialog.showModal();
    const { map, defects } = opened();
    drawn?.group.remove();
    defects.clear();
    map.closePopup();
    const of = (what) => ({ features: reply.features.features.filter(({ properties }) => properties.what === what) });
    drawn = wangge.drawDiff(map, { layers: reply.layers, changes: of("change"), land: of("land"), left_out: reply.left_out }, {
      prefix: "import-", card: cards(of("change").features), elsewhere: wangge.say("。", "."),
      same: wangge.say("文件与草稿没有差别。", "The file changes nothing in the draft."),
    });
    map.fitBounds(drawn.bounds ?? wangge.config.bounds, { maxZoom: 17, padding: [40, 40], animate: false });
    part("import-facts").replaceChildren(facts(reply));
    part("import-rejects").replaceChildren(...rejects(reply.rejects, reply.rows.rejected));
    part("import-worse").replaceChildren(...defects.worse(reply.worse, reply.worse_count));
    part("import-go").focus();
  };

  const preview = async () => {
    part("import-look").disabled = true;
    part("import-told").replaceChildren(busy(wangge.say("正在读取文件…", "Reading the file…")));
    try {
      const wanted = await said();
      const reply = await send({ ...wanted, query: { ...wanted.query, preview: true } });
      asked = { ...wanted, version: reply.version, key: crypto.randomUUID() };
      part("import-told").replaceChildren();
      show(reply, wanted.query.name);
    } catch (problem) {
      part("import-told").replaceChildren(wangge.problemBox(problem));
    } finally {
      part("import-look").disabled = false;
    }
  };

  // --- the import ---

  const store = async () => {
    part("import-go").disabled = true;
    part("import-refused").replaceChildren(busy(wangge.say("正在导入…", "Importing…")));
    try {
      await send(asked, { "If-Match": `"${asked.version}"`, "Idempotency-Key": asked.key });
      dialog.close();
      part("import-form").reset();
      await wangge.draftChanged();
    } catch (problem) {
      part("import-refused").replaceChildren(wangge.problemBox(problem));
      if ([STALE, CONFLICT].includes(problem.status)) {
        // Somebody else wrote to the draft: what was previewed is not what would come.
        dialog.close();
        await wangge.draftChanged(problem);
      }
    } finally {
      part("import-go").disabled = false;
    }
  };

  part("import-form").addEventListener("submit", (event) => { event.preventDefault(); preview(); });
  part("import-confirm").addEventListener("submit", (event) => { event.preventDefault(); store(); });
  part("import-cancel").addEventListener("click", () => dialog.close());
})();
