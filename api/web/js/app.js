/** The page: what was asked for (in the address), what the service answered, and how the two are shown. */
import { all, get } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { closeDetail, showDetail, updateDetail } from "./detail.js";
import { isStanding, showAlerts, showFeeds, showSources } from "./feeds.js";
import { moment, zone } from "./format.js";
import { LANGUAGES, currentLanguage, nameIn, preferredLanguage, t, translate, useLanguage } from "./i18n.js";
import { showLegend } from "./legend.js";
import { boundsOf, canDrawMaps, openMap } from "./map.js";
import { belongs } from "./media.js";
import { countByState, stationsOf, withoutContact } from "./model.js";
import { keepFresh, listen } from "./refresh.js";
import { showPicker, showSummary } from "./region.js";
import { rowsOfSamples, sampleWindow } from "./samples.js";
import { showTable } from "./table.js";
import { vendorState } from "./vendor.js";

/** After this long without an answer nothing on the page is current any more. */
const LOST_AFTER_S = 600;
const MEDIA = ["air", "land", "sea"];
const asked = new URLSearchParams(location.search);

const page = {
  medium: MEDIA.includes(asked.get("medium")) ? asked.get("medium") : "air",
  region: asked.get("region") ?? "",
  station: asked.get("station") ?? "",
  view: asked.get("view") === "table" ? "table" : "map",
  only: "",
  /** @type {Map<string, import("./model.js").Station>} */
  stations: new Map(),
  /** @type {any[]} */
  regions: [],
  shapes: [],
  feeds: [],
  sources: [],
  /** @type {any[] | null} */
  alerts: null,
  asOfS: Date.now() / 1000,
  answeredAt: 0,
  /** @type {any[]} */
  rows: [],
  /** @type {any[]} */
  sampleRows: [],
  samplesAt: { medium: "", nowS: 0 },
  /** @type {Map<string, string>} what could not be read, and why */
  failures: new Map(),
  stale: false,
  missing: [],
  manifest: {},
  map: null,
};

const sinceAnswerS = () => (page.answeredAt ? (Date.now() - page.answeredAt) / 1000 : 0);
const isLost = () => page.answeredAt > 0 && sinceAnswerS() > LOST_AFTER_S;
const publisher = (id) => nameIn(page.sources.find((source) => source.id === id)?.names, id);
const shownStations = () => [...(isLost() ? withoutContact(page.stations) : page.stations).values()];

function remember() {
  const url = new URL(location.href);
  const kept = { lang: currentLanguage(), medium: page.medium, region: page.region, station: page.station, view: page.view };
  for (const [name, value] of Object.entries(kept)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
}

/** Reads everything that changes and shows each part as it comes; says how long the newest values hold. @returns {Promise<number>} */
async function reload() {
  const { medium } = page;
  const parts = {
    feeds: all("/v1/feeds"), sources: all("/v1/sources"), alerts: all("/v1/alerts", { status: "open", limit: 1000 }), latest: all("/v1/latest", { medium, limit: 10000 }),
  };
  parts.samples = parts.latest.then((latest) => readSamples(medium, latest));
  askSummary();
  const arrivals = Object.entries(parts).map(async ([what, part]) => {
    const answer = await part;
    if (medium === page.medium) received(what, answer);
  });
  await Promise.all(arrivals);
  if (medium !== page.medium) return 0;
  refreshDetail();
  const latest = await parts.latest;
  return latest.ok ? latest.maxAgeS : 0;
}

/** Samples change by the week; once per half an hour is enough, and a new medium asks anew. */
async function readSamples(medium, latest) {
  const nowS = momentOf(latest);
  const held = page.samplesAt.medium === medium && nowS - page.samplesAt.nowS < 1800;
  if (held) return null;
  const answer = await all("/v1/samples", { medium, ...sampleWindow(nowS), limit: 10000 });
  if (answer.ok) page.samplesAt = { medium, nowS };
  return answer;
}

/** The service's own now, which a rehearsal or a replay may have elsewhere than the reader. */
function momentOf(answer) {
  const told = answer.body?.generated ?? answer.body?.as_of;
  return told ? Date.parse(told) / 1000 : Date.now() / 1000;
}

function received(what, answer) {
  if (!answer) return;
  page.failures.delete(what);
  if (!answer.ok) page.failures.set(what, answer.why);
  if (what === "alerts") page.alerts = answer.ok ? answer.rows : null;
  else if (what === "latest" && answer.ok) takeLatest(answer);
  else if (what === "samples" && answer.ok) page.sampleRows = rowsOfSamples(answer.rows, page.asOfS);
  else if (answer.ok) page[what] = answer.rows;
  show();
}

function takeLatest(answer) {
  page.rows = answer.rows;
  if (page.medium !== page.samplesAt.medium) page.sampleRows = [];
  page.asOfS = momentOf(answer);
  page.answeredAt = Date.now();
  page.stale = Boolean(answer.body.stale);
  document.body.dataset.loaded = page.medium;
}

async function readRegions() {
  const answer = await all("/v1/regions", { f: "geojson", limit: 1000 });
  if (!answer.ok) return;
  page.shapes = answer.rows.map((feature) => ({ ...feature, properties: { ...feature.properties, id: feature.properties.id ?? feature.id } }));
  page.regions = page.shapes.map((feature) => feature.properties);
  showPicker(page.regions, page.region);
  drawRegions();
}

function drawRegions() {
  if (!page.map || !page.shapes.length) return;
  page.map.showRegions({ type: "FeatureCollection", features: page.shapes.filter((shape) => shape.geometry) });
  page.map.choose(page.station, page.region);
  if (page.region) goToRegion();
}

function goToRegion() {
  const shape = page.shapes.find((one) => one.properties.id === page.region);
  if (shape?.geometry && page.map) page.map.goTo(boundsOf(shape.geometry));
}

/** Shows the state of the page; asks nobody anything. */
function show() {
  const alerted = (page.alerts ?? []).filter(isStanding).flatMap((alert) => alert.series);
  page.stations = stationsOf([...page.rows, ...page.sampleRows], new Set(alerted));
  const stations = shownStations();
  const exercise = [...stations, ...page.feeds, ...(page.alerts ?? [])].some((thing) => thing.exercise);
  byId("exercise").hidden = !exercise;
  document.body.classList.toggle("exercise", exercise);
  showNotices();
  showLegend(countByState(stations), page.only, chooseState);
  const chosen = page.only ? stations.filter((station) => station.state === page.only) : stations;
  showTable(chosen, { chosen: page.station, publisher, extraAgeS: sinceAnswerS(), onStation: chooseStation });
  page.map?.showStations(chosen);
  const placeless = stations.filter((station) => station.latitude === null).length;
  byId("no-position").textContent = placeless ? t("map.no_position", { count: placeless }) : "";
  byId("as-of").textContent = page.answeredAt ? `${t("page.as_of", { time: moment(page.asOfS * 1000) })} · ${t("page.zone", { zone: zone() })}` : t("page.loading");
  showFeeds(page.feeds);
  showAlerts(page.alerts, { region: (id) => nameIn(page.regions.find((region) => region.id === id)?.names, id) });
  showSources(page.sources, page.manifest);
}

function showNotices() {
  const notices = [];
  if (isLost()) notices.push(t("contact.lost", { time: moment(page.asOfS * 1000) }));
  if (page.stale && page.rows.length) notices.push(t("contact.stale"));
  for (const [what, why] of page.failures) notices.push(t("contact.failed", { what, why }));
  fill(byId("notices"), ...notices.map((text) => make("p", {}, text)));
  byId("notices").hidden = notices.length === 0;
  if (page.missing.length) byId("missing").textContent = t("missing.vendor", { files: page.missing.join(", ") });
  byId("missing").hidden = page.missing.length === 0;
}

function askSummary() {
  const region = page.region;
  const medium = page.medium;
  const stillWanted = () => region === page.region && medium === page.medium;
  showSummary(region, medium, { belongs, publisher, stillWanted });
}

const aboutDetail = () => ({
  publisher, feed: (id) => page.feeds.find((feed) => feed.id === id), nowS: Math.floor(page.asOfS + sinceAnswerS()),
  extraAgeS: sinceAnswerS(), canPlot: !page.missing.includes("uplot"), onClose: () => chooseStation(""),
});

function chooseStation(id) {
  page.station = id;
  remember();
  page.map?.choose(page.station, page.region);
  for (const row of document.querySelectorAll("#table-body tr")) row.classList.toggle("chosen", row.dataset.station === id);
  const station = page.stations.get(id);
  if (!station) {
    closeDetail();
    return;
  }
  showDetail(station, aboutDetail());
  byId("detail-name").focus({ preventScroll: false });
}

/** New readings reach the open panel, unless somebody is just using it. */
function refreshDetail() {
  const station = page.stations.get(page.station);
  if (station && !byId("detail").contains(document.activeElement)) updateDetail(station, aboutDetail());
}

function chooseState(state) {
  page.only = state;
  show();
  document.querySelector(`#legend-list [data-state="${state || "normal"}"]`)?.focus();
}

function chooseRegion(id) {
  page.region = id;
  byId("region-select").value = id;
  remember();
  page.map?.choose(page.station, page.region);
  goToRegion();
  askSummary();
}

function chooseView(view) {
  page.view = view;
  remember();
  byId("map-view").hidden = view !== "map";
  byId("table-view").hidden = view !== "table";
  if (view === "map") page.map?.map.resize();
}

async function chooseLanguage(code) {
  await useLanguage(code);
  remember();
  translate(document);
  showPicker(page.regions, page.region);
  show();
  askSummary();
  const station = page.stations.get(page.station);
  if (station) showDetail(station, aboutDetail());
  else closeDetail();
}

function wire(fresh) {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => make("option", { value: code, lang: code }, name)));
  byId("language").value = currentLanguage();
  byId("language").addEventListener("change", (event) => chooseLanguage(event.target.value));
  byId("region-select").addEventListener("change", (event) => chooseRegion(event.target.value));
  for (const input of document.querySelectorAll("input[name=medium]")) {
    input.checked = input.value === page.medium;
    input.addEventListener("change", () => {
      page.medium = input.value;
      remember();
      fresh.now();
    });
  }
  for (const input of document.querySelectorAll("input[name=view]")) {
    input.checked = input.value === page.view;
    input.addEventListener("change", () => chooseView(input.value));
  }
}

async function startMap() {
  const needed = page.missing.filter((name) => name !== "uplot");
  if (needed.length || !canDrawMaps()) {
    byId("map").replaceChildren(make("p", { class: "no-map" }, needed.length ? t("missing.vendor", { files: needed.join(", ") }) : t("missing.webgl")));
    byId("map").dataset.state = "missing";
    document.querySelector("input[name=view][value=table]").checked = true;
    chooseView("table");
    return;
  }
  page.map = await openMap(byId("map"), { onStation: chooseStation, onRegion: chooseRegion, label: t("map.label") });
  byId("map").dataset.state = "ready";
  page.map.showStations(shownStations());
  drawRegions();
  page.map.choose(page.station, page.region);
}

async function start() {
  const [vendor] = await Promise.all([vendorState(), useLanguage(preferredLanguage())]);
  Object.assign(page, vendor);
  translate(document);
  closeDetail();
  chooseView(page.view);
  show();
  const fresh = keepFresh(reload);
  wire(fresh);
  setInterval(show, 30000);
  await Promise.all([startMap(), readRegions()]);
  const root = await get("/v1/");
  listen(root.body?.links?.stream, fresh.soon);
}

start();
