"use strict";
/* The list of revisions: taking one back, or bringing a state back, after a confirmation that says why. */

(() => {
  const part = (name) => document.getElementById(name);
  const dialog = part("confirm");
  if (!dialog) return;
  const newest = Number(part("to").max);
  let asked = null;

  const open = ({ way, number }) => {
    // One key for each time the box is opened: pressing twice publishes once.
    asked = { way, number: Number(number), key: crypto.randomUUID() };
    const taking = way === "revert";
    part("confirm-title").textContent = taking
      ? wangge.say(`撤回修订 ${number}`, `Take revision ${number} back`)
      : wangge.say(`恢复到修订 ${number}`, `Restore revision ${number}`);
    part("confirm-text").textContent = taking
      ? wangge.say("将发布一个新的修订，把该修订的变化反过来。此后又改过的要素会被列出，不会被覆盖。", "A new revision is published that reverses what this one changed. Features that changed again since are listed, not overwritten.")
      : wangge.say("将发布一个新的修订，把该修订所涉图层恢复成当时的样子，其后的变化都会被覆盖。", "A new revision is published that brings the layers of this one back to their state then, over everything since.");
    part("confirm-map").href = wangge.page("/maps/diff.html", taking ? { from: number, to: number - 1 } : { from: newest, to: number });
    part("refused").replaceChildren();
    part("note").value = "";
    dialog.showModal();
    part("note").focus();
  };

  const carryOut = async () => {
    const note = part("note").value.trim();
    if (!note) {
      part("refused").replaceChildren(wangge.problemBox(new wangge.Problem(wangge.say("请说明原因。", "Say why."))));
      return;
    }
    part("go").disabled = true;
    part("refused").replaceChildren(wangge.make("p", { class: "hint" }, wangge.say("正在检查并发布…", "Checking and publishing…")));
    try {
      const made = await wangge.send(`${wangge.config.data.revisions}/${asked.number}/${asked.way}`, { note },
        { headers: { "Idempotency-Key": asked.key } });
      location.assign(wangge.page("/maps/diff.html", { from: made.number - 1, to: made.number }));
    } catch (problem) {
      part("refused").replaceChildren(wangge.problemBox(problem));
    } finally {
      part("go").disabled = false;
    }
  };

  for (const button of document.querySelectorAll("button[data-way]")) button.addEventListener("click", () => open(button.dataset));
  part("confirm-form").addEventListener("submit", (event) => { event.preventDefault(); carryOut(); });
  part("cancel").addEventListener("click", () => dialog.close());
})();
