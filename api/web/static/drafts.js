"use strict";
/* The list of drafts: beginning one. */

(() => {
  const part = (name) => document.getElementById(name);

  part("begin").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [title, note] = [part("title").value.trim(), part("note").value.trim()];
    if (!title) {
      part("refused").replaceChildren(wangge.problemBox(new wangge.Problem(wangge.say("请为草稿命名。", "Give it a title."))));
      part("title").focus();
      return;
    }
    const button = part("begin").querySelector("button");
    button.disabled = true;
    part("refused").replaceChildren();
    try {
      const made = await wangge.send(wangge.config.data.drafts, { title, note });
      location.assign(wangge.page(`/drafts/${made.id}`));
    } catch (problem) {
      part("refused").replaceChildren(wangge.problemBox(problem));
      button.disabled = false;
    }
  });
})();
