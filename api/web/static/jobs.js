"use strict";
/* Answers that may take long: how far the job is, a way to cancel it, and where figures come from. */

(() => {
  const LOOK_MS = 500;
  const asked = { Accept: "application/json", Prefer: "respond-async, wait=2" };
  const over = (job) => !["queued", "running"].includes(job.status);
  const isJob = (reply) => typeof reply.progress === "number" && typeof reply.result === "string";

  const pause = () => new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });

  const cancel = (job) => wangge.fetchJson(`/api/jobs/${encodeURIComponent(job.id)}/cancel`, {
    method: "POST", headers: { Accept: "application/json", "X-CSRF-Token": wangge.config.csrf || "" },
  });

  /** A box that says how far a job is; its button cancels it. */
  const progressBox = (onCancel) => {
    const bar = wangge.make("progress", { max: 1, value: 0, "aria-label": wangge.say("计算进度", "Progress") });
    const words = wangge.make("p", { class: "busy" });
    const warning = wangge.make("p", { class: "note warn", hidden: true }, wangge.say(
      "没有后台任务进程在运行，任务在等待。请联系运维人员启动 wangge worker。", "No worker runs, so the job waits: ask your operator to start wangge worker."));
    const button = wangge.make("button", { type: "button", class: "button quiet", onclick: onCancel }, wangge.say("取消计算", "Cancel"));
    const box = wangge.make("div", { class: "card job" }, words, bar, wangge.make("div", {}, button), warning);
    const show = (job) => {
      bar.value = job.progress;
      const done = `${Math.round(job.progress * 100)}%`;
      words.textContent = job.status === "queued" ? wangge.say("排队等待计算…", "Waiting in the queue…")
        : `${wangge.say("正在后台计算", "Computing in the background")} ${done} ${job.step}`;
      warning.hidden = !(job.status === "queued" && job.workers === 0);
    };
    return { box, show };
  };

  /** Wait until a job is over, showing how far it is in a place of the page; cancelled when nobody waits any more. */
  const followed = async (first, place, signal) => {
    let job = first;
    const drawn = progressBox(async () => { job = await cancel(job).catch(() => job); });
    place.replaceChildren(drawn.box);
    while (!over(job)) {
      drawn.show(job);
      await pause();
      if (signal.aborted) {
        cancel(job).catch(() => {});
        throw new DOMException("nobody waits", "AbortError");
      }
      if (!over(job)) job = await wangge.fetchJson(`/api/jobs/${encodeURIComponent(job.id)}`);
    }
    if (job.status === "cancelled") throw new wangge.Problem(wangge.say("计算已取消", "Cancelled"), [job.error].filter(Boolean));
    if (job.status === "failed") throw new wangge.Problem(wangge.say("计算失败", "The computation failed"), [job.error]);
  };

  /** JSON of a table that may take long: a job's progress is shown in a place of the page meanwhile. */
  wangge.answer = async (address, { place, signal }) => {
    for (;;) {
      const reply = await wangge.fetchJson(address, { headers: asked, signal });
      if (!isJob(reply)) return reply;
      await followed(reply, place, signal);
    }
  };

  /** What a table was worked out from, for its foot. */
  wangge.provenance = (reply) => {
    const { layers, settings, computed_at: instant, key } = reply.provenance;
    const listed = (values) => Object.entries(values).map(([name, value]) =>
      `${name}=${value !== null && typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
    return wangge.make("details", { class: "hint" },
      wangge.make("summary", {}, wangge.say(`数据来源：修订 ${reply.revision}，计算于 ${instant}`, `Source: revision ${reply.revision}, computed at ${instant}`)),
      wangge.facts([
        [wangge.say("图层版本", "Layer versions"), listed(layers)],
        [wangge.say("参数", "Settings"), listed(settings)],
        [wangge.say("结果编号", "Result"), key],
      ]));
  };
})();
