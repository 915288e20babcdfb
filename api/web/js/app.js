/** The page, wired: what is chosen, what is read, and how the two are shown. Start reading here. */
import { all, get } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { closeDetail, showDetail, updateDetail } from "./detail.js";
import { isStanding, showAlerts, showFeeds, showSources } from "./feeds.js";
import { moment, zone } from "./format.js";
import { LANGUAGES, currentLanguage, nameIn, preferredLanguage, t, translate, useLanguage } from "./i18n.js";
import { judgeOf } from "./judged.js";
import { showLegend } from "./legend.js";
import { boundsOf, canDrawMaps, openMap } from "./map.js";
import { belongs } from "./media.js";
import { countByState, stationsOf } from "./model.js";
import { forgetValues, isLost, page, publisher, remember, shownStations, sinceAnswerS } from "./page.js";
import { readAll } from "./reading.js";
import { keepFresh, listen } from "./refresh.js";
import { showPicker, showSummary } from "./region.js";
import { showTable } from "./table.js";
import { vendorState } from "./vendor.js";

/** Reads everything anew; says how long the newest values hold. @returns {Promise<number>} */
async function reload() {
  askSummary();
  const holdsS = await readAll(show);
  refreshDetail();
  return holdsS;
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
  page.stations = stationsOf([...page.rows, ...page.sampleRows], new Set(alerted), page.judge);
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
  showSummary(region, medium, { belongs, publisher, stillWanted, onSummaries: takeSummaries });
}

function takeSummaries(region, summaries) {
  page.judge = judgeOf(region, summaries);
  show();
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

/** A place chosen by name is looked for on the map; one chosen on the map is there already. */
function chooseRegion(id, { look }) {
  page.region = id;
  byId("region-select").value = id;
  remember();
  page.map?.choose(page.station, page.region);
  if (look) goToRegion();
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
  byId("region-select").addEventListener("change", (event) => chooseRegion(event.target.value, { look: true }));
  for (const input of document.querySelectorAll("input[name=medium]")) {
    input.checked = input.value === page.medium;
    input.addEventListener("change", () => {
      page.medium = input.value;
      forgetValues();
      remember();
      show();
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
  page.map = await openMap(byId("map"), { onStation: chooseStation, onRegion: (id) => chooseRegion(id, { look: false }), label: t("map.label") });
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
