/** Reading the service: everything that changes, each part shown as it comes. */
import { all } from "./api.js";
import { page } from "./page.js";
import { rowsOfSamples, sampleWindow } from "./samples.js";

/**
 * Reads everything that changes; says how long the newest values hold.
 * @param {() => void} show called after each part
 * @returns {Promise<number>}
 */
export async function readAll(show) {
  const { medium } = page;
  const parts = {
    feeds: all("/v1/feeds"),
    sources: all("/v1/sources"),
    alerts: all("/v1/alerts", { status: "open", limit: 1000 }),
    latest: all("/v1/latest", { medium, limit: 10000 }),
  };
  parts.samples = parts.latest.then((latest) => readSamples(medium, latest));
  const arrivals = Object.entries(parts).map(async ([what, part]) => {
    const answer = await part;
    if (!answer || medium !== page.medium) return;
    received(what, answer);
    show();
  });
  await Promise.all(arrivals);
  if (medium !== page.medium) return 0;
  const latest = await parts.latest;
  return latest.ok ? latest.maxAgeS : 0;
}

/** Samples change by the week; once per half an hour is enough, and a new medium asks anew. */
async function readSamples(medium, latest) {
  const nowS = momentOf(latest);
  const held = page.samplesAt.medium === medium && nowS - page.samplesAt.nowS < 1800;
  return held ? null : all("/v1/samples", { medium, ...sampleWindow(nowS), limit: 10000 });
}

/** The service's own now, which a rehearsal or a replay may have elsewhere than the reader. */
function momentOf(answer) {
  const told = answer.body?.generated ?? answer.body?.as_of;
  return told ? Date.parse(told) / 1000 : Date.now() / 1000;
}

function received(what, answer) {
  page.failures.delete(what);
  if (!answer.ok) page.failures.set(what, answer.why);
  if (what === "alerts") page.alerts = answer.ok ? answer.rows : null;
  else if (what === "latest" && answer.ok) takeLatest(answer);
  else if (what === "samples" && answer.ok) takeSamples(answer);
  else if (answer.ok) page[what] = answer.rows;
}

function takeSamples(answer) {
  page.sampleRows = rowsOfSamples(answer.rows, page.asOfS);
  page.samplesAt = { medium: page.medium, nowS: page.asOfS };
}

function takeLatest(answer) {
  page.rows = answer.rows;
  page.asOfS = momentOf(answer);
  page.answeredAt = Date.now();
  page.stale = Boolean(answer.body.stale);
  document.body.dataset.loaded = page.medium;
}
