"use strict";
/* What becomes of a draft: submitted, approved, published …, each after a confirmation that says what it means. */

(() => {
  const part = (name) => document.getElementById(name);
  const dialog = part("confirm");
  const address = `/api/drafts/${wangge.config.chosen.id}`;
  const { deeds, layers, fields } = wangge.config.chosen;
  const STALE = 412;
  let asked = null;

  const open = (deed) => {
    const { name, means, said } = deeds[deed];
    // The version that is agreed to is the one that was read when the box was opened.
    asked = { deed, version: wangge.draftVersion(), sent: null, key: null };
    part("confirm-title").textContent = name;
    part("confirm-text").textContent = means;
    part("confirm-said").hidden = said === null;
    part("said-label").textContent = said ?? "";
    part("said").value = "";
    part("confirm-at").hidden = deed !== "publish";
    part("publish-at").value = "";
    part("refused").replaceChildren();
    part("settle").replaceChildren();
    part("go").textContent = name;
    part("go").disabled = false;
    dialog.showModal();
    (said === null ? part("go") : part("said")).focus();
  };

  // --- what both sides changed ---

  const plain = (value) => (value === null || value === undefined ? "—" : typeof value === "object" ? JSON.stringify(value) : String(value));

  const side = (conflict, of, text) => {
    const state = conflict[of];
    const told = state === null ? wangge.say("撤销该要素", "removes it")
      : !conflict.fields.length ? wangge.say("保留该要素，带其改动", "keeps it, with its changes")
      : conflict.fields.map((field) => (field === "geometry" ? wangge.say("图形", "shape") : `${fields[conflict.layer][field] || field}: ${plain(state.properties[field])}`)).join(wangge.say("；", "; "));
    return wangge.make("label", { class: "choice" },
      wangge.make("input", { type: "radio", name: `settle-${conflict.id}`, value: of, "data-id": conflict.id, required: true }),
      wangge.make("span", { class: "choice-body" }, wangge.make("strong", {}, text), wangge.make("span", { class: "hint" }, told)));
  };

  /** Ask whose word counts, feature by feature. */
  const settle = (conflicts) => {
    part("settle").replaceChildren(...conflicts.map((conflict) => wangge.make("fieldset", {},
      wangge.make("legend", {}, `${layers[conflict.layer] || conflict.layer} ${conflict.code}`),
      side(conflict, "mine", wangge.say("用草稿的", "The draft’s")),
      side(conflict, "theirs", wangge.say(`用已发布的（修订 ${conflict.revision}，${conflict.author}）`, `What is published (revision ${conflict.revision}, ${conflict.author})`)))));
    part("settle").querySelector("input")?.focus();
  };

  const settled = () => Object.fromEntries([...part("settle").querySelectorAll("input:checked")].map(({ dataset, value }) => [dataset.id, value]));

  // --- asking and sending ---

  /** What is sent: what was said, when to publish, and whose word counts. */
  const body = (deed) => {
    const said = part("said").value.trim();
    const at = part("publish-at").value;
    const words = settled();
    return {
      ...(said ? { [deed === "publish" ? "note" : "review"]: said } : {}),
      ...(deed === "publish" && at ? { publish_at: new Date(at).toISOString() } : {}),
      ...(Object.keys(words).length ? { settled: words } : {}),
    };
  };

  const missing = (deed) => {
    if (deeds[deed].required && !part("said").value.trim()) return wangge.say("请说明原因。", "Say why.");
    const open = [...part("settle").querySelectorAll("fieldset")].some((each) => !each.querySelector(":checked"));
    return open ? wangge.say("请为每一处冲突作出选择。", "Choose for each conflict.") : null;
  };

  const refuse = (problem) => part("refused").replaceChildren(wangge.problemBox(problem));

  const carryOut = async () => {
    const { deed, version } = asked;
    const lacks = missing(deed);
    if (lacks) {
      refuse(new wangge.Problem(lacks));
      return;
    }
    const sent = body(deed);
    // One key for one request: pressing twice does it once.
    if (asked.sent !== JSON.stringify(sent)) asked = { ...asked, sent: JSON.stringify(sent), key: crypto.randomUUID() };
    part("go").disabled = true;
    part("refused").replaceChildren(wangge.make("p", { class: "busy" }, wangge.say("正在处理…", "Working…")));
    try {
      await wangge.send(`${address}/${deed}`, sent, { headers: { ...version, "Idempotency-Key": asked.key } });
      dialog.close();
      await wangge.draftChanged();
    } catch (problem) {
      refuse(problem);
      if (deed === "rebase" && problem.document?.conflicts) settle(problem.document.conflicts);
      if (problem.status === STALE) {
        dialog.close();
        await wangge.draftChanged(problem);
      }
    } finally {
      part("go").disabled = false;
    }
  };

  document.addEventListener("click", ({ target }) => {
    const deed = target.closest("[data-do]")?.dataset.do;
    if (deed) open(deed);
  });
  part("confirm-form").addEventListener("submit", (event) => { event.preventDefault(); carryOut(); });
  part("cancel").addEventListener("click", () => dialog.close());
})();
