/** One station: its newest value with everything that belongs to it, and the plot of its readings. */
import { all } from "./api.js";
import { byId, fill, make, terms } from "./dom.js";
import { age, moment, number, span, unitText, valueText } from "./format.js";
import { allNames, nameIn, t } from "./i18n.js";
import { draw, withoutPlot } from "./plot.js";
import { isRadiation } from "./model.js";
import { SAMPLE_DAYS } from "./samples.js";
import { LOOKS, picture } from "./states.js";

const DAY_S = 86400;
let takeDown = () => {};
let turn = 0;
/** What the panel shows, so that it is only filled anew when there is something new. */
let shown = { newest: "", series: "", days: 1 };

/**
 * @typedef {Object} About
 * @property {(source: string) => string} publisher
 * @property {(feed: string) => any} feed
 * @property {number} nowS           the service's clock, seconds since 1970
 * @property {number} extraAgeS      since its answer
 * @property {boolean} canPlot
 * @property {() => void} onClose
 */

/** Empties the panel. */
export function closeDetail() {
  turn += 1;
  takeDown();
  takeDown = () => {};
  shown = { newest: "", series: "", days: 1 };
  byId("detail").replaceChildren(make("p", { class: "hint" }, t("detail.none")));
}

const newestOf = (station) => JSON.stringify([station.id, station.rows.map((row) => [row.series, row.end, row.revision, row.state])]);

/** Fills the open panel anew if the station has something new to say. @param {import("./model.js").Station} station @param {About} about */
export function updateDetail(station, about) {
  if (newestOf(station) !== shown.newest) showDetail(station, about, shown.series, shown.days);
}

/** @param {import("./model.js").Station} station @param {About} about @param {string} seriesId "" for the station's main series */
export function showDetail(station, about, seriesId = "", days = 1) {
  const row = station.rows.find((one) => one.series === seriesId) ?? station.main;
  const plotBox = make("div", { id: "plot", class: "plot", "data-state": "loading" }, make("p", { class: "hint" }, t("page.loading")));
  shown = { newest: newestOf(station), series: row.series, days };
  const again = (series, length) => showDetail(station, about, series, length);
  fill(
    byId("detail"),
    headOf(station, about),
    valueOf(row, about, station),
    row.history ? null : windowPicker(days, (length) => again(row.series, length)),
    plotBox,
    seriesList(station, row, (series) => again(series, days)),
  );
  fillPlot(plotBox, row, about, days);
}

function headOf(station, about) {
  const title = nameIn(station.names, station.id);
  const others = allNames(station.names).filter((name) => name.text !== title)
    .map(({ language, text }) => make("span", { lang: language || null, class: "hint other-name" }, text));
  return make(
    "div", { class: "detail-head" },
    make("div", {}, make("h3", { id: "detail-name", tabindex: "-1" }, title), ...others),
    make("button", { type: "button", click: about.onClose }, t("detail.close")),
  );
}

function valueOf(row, about, station) {
  const flags = row.qc.map((code) => t(`flag.${code}`, {}, code)).join("; ") || t("detail.flags_none");
  const feed = about.feed(row.feed);
  const published = row.published?.text ? `“${row.published.text}” ${row.published.unit ?? ""}` : null;
  const place = station.latitude === null ? t("detail.position_none") : `${station.latitude.toFixed(4)}, ${station.longitude.toFixed(4)}`;
  const kind = row.kind === "measured" ? "" : t(`kind.${row.kind}`, {}, row.kind);
  return make(
    "div", { class: "newest", "data-state": row.state },
    row.exercise ? make("p", { class: "exercise-line" }, t("exercise.banner")) : null,
    make("p", { class: "state" }, picture(LOOKS[row.state], row.state), t(`state.${row.state}`)),
    make("p", { class: "big" }, valueText(row), kind ? make("span", { class: "hint" }, ` ${kind}`) : null),
    row.alerted ? make("p", {}, make("strong", {}, t("detail.alert"))) : null,
    terms([
      [t("table.quantity"), t(`quantity.${row.quantity}`, {}, row.quantity)],
      [t("detail.analyte"), row.analyte === "gamma-total" ? "" : row.analyte],
      [t("detail.averaged"), windowOf(row)],
      [t("detail.about"), row.about],
      [t("detail.medium"), t(`medium.${row.medium}`, {}, row.medium)],
      [t("detail.usual"), usualOf(row)],
      [t("detail.measured"), row.end ? `${moment(row.end)} (${age(row.ageS === null ? null : row.ageS + about.extraAgeS)})` : "–"],
      [t("detail.received"), row.received ? moment(row.received) : ""],
      [t("detail.published_as"), published],
      [t("detail.publisher"), about.publisher(row.source)],
      [t("feeds.feed"), feed ? nameIn(feed.title, row.feed) : row.feed],
      [t("detail.licence"), [row.licence || t("detail.licence_none"), t(`rights.${row.rights}`, {}, row.rights)].filter(Boolean).join(" · ")],
      [t("detail.conversion"), row.conversion ? `${row.conversion.id} × ${row.conversion.factor}` : ""],
      [t("detail.revision"), row.revision > 1 ? number(row.revision) : ""],
      [t("detail.flags"), flags],
      [t("detail.mark"), station.mark],
      [t("detail.position"), place],
    ]),
  );
}

function usualOf(row) {
  return row.usual ? `${number(row.usual.median)} ${unitText(row.unit)}` : null;
}

function windowPicker(days, onChoose) {
  const options = [1, 7, 30, 365].map((length) => {
    const text = length === 1 ? t("detail.plot") : t("detail.plot_days", { days: length });
    return make("option", { value: String(length), selected: length === days }, text);
  });
  const select = make("select", { change: (event) => onChoose(Number(event.target.value)) }, ...options);
  return make("label", { class: "window" }, t("detail.window"), " ", select);
}

function seriesList(station, chosen, onChoose) {
  if (station.rows.length < 2) return null;
  const items = station.rows.map((row) => {
    const icon = isRadiation(row.quantity) || row.freshness !== "fresh" ? picture(LOOKS[row.state], row.state) : null;
    const parts = [t(`quantity.${row.quantity}`, {}, row.quantity), row.analyte === "gamma-total" ? "" : row.analyte, row.about, windowOf(row)];
    const button = make(
      "button",
      { type: "button", class: "link", "aria-pressed": String(row === chosen), click: () => onChoose(row.series) },
      icon, `${parts.filter(Boolean).join(" · ")}: ${valueText(row)}`,
      icon ? make("span", { class: "hint" }, ` ${t(`state_short.${row.state}`)}`) : null,
    );
    return make("li", {}, button);
  });
  return make("div", {}, make("h4", {}, t("detail.series")), make("ul", { class: "series" }, ...items));
}

/** The span that a value was averaged over, where the publisher states one. */
function windowOf(row) {
  return row.start && row.start !== row.end && !row.history ? t("detail.average", { span: span((Date.parse(row.end) - Date.parse(row.start)) / 1000) }) : "";
}

/** @returns {Promise<void>} */
async function fillPlot(box, row, about, days) {
  turn += 1;
  const mine = turn;
  takeDown();
  takeDown = () => {};
  const toS = about.nowS + 1;
  const fromS = toS - (row.history ? SAMPLE_DAYS : days) * DAY_S;
  if (row.history) {
    await fillWith(box, row.history.map(pointOf), row, { fromS, toS, canPlot: about.canPlot });
    return;
  }
  const answer = await all(`/v1/series/${encodeURIComponent(row.series)}/observations`, {
    from: iso(fromS), to: iso(toS), limit: 10000, resolution: days > 30 ? "1d" : "",
  });
  if (mine !== turn) return;
  if (!answer.ok) {
    box.dataset.state = "failed";
    box.replaceChildren(make("p", {}, t("contact.failed", { what: row.series, why: answer.why })));
    return;
  }
  const points = answer.rows.map(pointOf).sort((a, b) => a.at - b.at);
  if (!points.length) {
    box.dataset.state = "empty";
    const old = row.ageS === null ? "–" : age(row.ageS + about.extraAgeS);
    box.replaceChildren(make("p", {}, t("detail.plot_empty", { age: old })));
    return;
  }
  await fillWith(box, points, row, { fromS, toS, canPlot: about.canPlot });
}

async function fillWith(box, points, row, { fromS, toS, canPlot }) {
  const label = t("detail.plot_label", {
    quantity: t(`quantity.${row.quantity}`, {}, row.quantity), unit: unitText(row.unit), count: number(points.length),
  });
  const canvasBox = make("div", { class: "plot-canvas" });
  fill(
    box,
    row.exercise ? make("p", { class: "exercise-line" }, t("exercise.banner")) : null,
    canvasBox,
    make("p", { class: "hint" }, canPlot ? t("detail.gaps") : withoutPlot()),
    readingsTable(points, row),
  );
  try {
    if (canPlot) takeDown = await draw(canvasBox, points, { unit: row.unit, fromS, toS, label, joined: !row.history });
  } catch {
    canvasBox.replaceChildren(make("p", { class: "hint" }, withoutPlot()));
  }
  box.dataset.state = "ready";
  box.dataset.points = String(points.length);
}

const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** @returns {import("./plot.js").Point & {row: any}} */
function pointOf(observation) {
  const end = observation.phenomenon_end ?? observation.end;
  const bounded = ["below", "above", "not_detected"].includes(observation.censoring);
  return {
    at: Date.parse(end) / 1000, value: observation.value ?? observation.p50 ?? null,
    limit: bounded ? (observation.limit ?? null) : null,
    text: observation.published?.text ?? "", row: observation,
  };
}

function readingsTable(points, row) {
  const rows = [...points].reverse().map((point) => make(
    "tr", {},
    make("th", { scope: "row" }, moment(point.at * 1000)),
    make("td", { class: "number" }, valueText({ unit: row.unit, ...point.row })),
    make("td", {}, (point.row.qc ?? []).map((code) => t(`flag.${code}`, {}, code)).join("; ")),
  ));
  const head = make(
    "tr", {},
    make("th", { scope: "col" }, t("table.time")), make("th", { scope: "col" }, t("table.value")), make("th", { scope: "col" }, t("detail.flags")),
  );
  return make(
    "details", {},
    make("summary", {}, t("detail.readings")),
    make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("detail.readings") },
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
  );
}
