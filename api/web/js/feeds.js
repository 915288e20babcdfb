/** Feed states with their three clocks, open alerts, and whom the data come from. */
import { byId, make } from "./dom.js";
import { moment } from "./format.js";
import { nameIn, t } from "./i18n.js";
import { LOOKS, REGION_LOOKS, picture } from "./states.js";

/** Only a feed that is being read looks calm; every other state has the look of the thing it does to the stations. */
const FEED_LOOKS = {
  ok: LOOKS.normal, late: LOOKS.late, partial: LOOKS.late, empty: LOOKS.never, never_run: LOOKS.never, paused: LOOKS.never,
  unread: LOOKS.silent, blocked: LOOKS.silent, misread: LOOKS.silent,
};

/** Feeds that were ever asked come first. @param {any[]} feeds */
export function showFeeds(feeds) {
  byId("feeds-empty").hidden = feeds.length > 0;
  byId("feeds-table").hidden = feeds.length === 0;
  const head = ["feed", "state", "last_try", "last_success", "last_new"].map((key) => make("th", { scope: "col" }, t(`feeds.${key}`)));
  byId("feeds-head").replaceChildren(make("tr", {}, ...head));
  const asked = (feed) => stateOf(feed) !== "never_run";
  const ordered = [...feeds.filter(asked), ...feeds.filter((feed) => !asked(feed))];
  byId("feeds-body").replaceChildren(...ordered.map(feedRow));
}

const stateOf = (feed) => feed.state?.state ?? feed.state ?? "never_run";

function feedRow(feed) {
  const state = stateOf(feed);
  const cause = feed.cause ?? feed.state?.cause ?? "";
  const clocks = feed.clocks ?? feed;
  const clock = (value) => make("td", {}, value ? moment(value) : t("feeds.never"));
  const tag = feed.exercise ? make("strong", { class: "exercise-tag" }, t("exercise.tag")) : null;
  return make(
    "tr",
    { "data-feed": feed.id, "data-feed-state": state },
    make("th", { scope: "row" }, nameIn(feed.title ?? feed.titles ?? feed.names, feed.id), tag, make("div", { class: "hint" }, feed.id)),
    make(
      "td", {},
      make("span", { class: "state" }, picture(FEED_LOOKS[state] ?? LOOKS.silent, state), t(`feed_state.${state}`, {}, state)),
      cause && cause !== state ? make("div", { class: "hint" }, causeText(cause)) : null,
      feed.held ? make("div", { class: "hint", "data-held": feed.id }, t("feeds.held", { reason: feed.held.problems[0] ?? "" })) : null,
    ),
    clock(clocks.last_try), clock(clocks.last_success), clock(clocks.last_new),
  );
}

/** A cause is codes with counts, as `http_status 3`; each code is said in words. @param {string} cause */
const causeText = (cause) => cause.replace(/[a-z]+(_[a-z]+)*/g, (code) => t(`refusal.${code}`, {}, code));

const OPEN = new Set(["pending", "unverified", "firing", "stale", "amended"]);
const STANDING = new Set(["unverified", "firing"]);
const isOpen = (alert) => OPEN.has(alert.state);
/** Whether an alert says something of its series now. @param {any} alert */
export const isStanding = (alert) => STANDING.has(alert.state);

/** @param {any[] | null} alerts null when they could not be read @param {{region: (id: string) => string}} about */
export function showAlerts(alerts, about) {
  const list = byId("alerts-list");
  const note = byId("alerts-note");
  const open = (alerts ?? []).filter(isOpen);
  note.textContent = alerts === null ? t("alerts.unknown") : t("alerts.none");
  note.hidden = alerts !== null && open.length > 0;
  list.replaceChildren(...open.map((alert) => alertItem(alert, about)));
}

function alertItem(alert, about) {
  const state = alert.state;
  const look = state === "stale" ? LOOKS.silent : REGION_LOOKS.elevated;
  const places = (alert.regions ?? []).map(about.region).join(", ");
  return make(
    "li",
    { "data-alert-state": state },
    picture(look, state),
    make("strong", {}, t(`alert_state.${state}`, {}, state)), " ",
    alert.exercise ? make("strong", { class: "exercise-tag" }, t("exercise.tag")) : null,
    nameIn(alert.title, alert.id), " ",
    make("div", {}, nameIn(alert.sentence)),
    make("span", { class: "hint" }, [alert.note, places, t("alerts.since", { time: moment(alert.began_at) })].filter(Boolean).join(" · ")),
  );
}

/** @param {any[]} sources @param {Record<string, {version: string, licence: string}>} manifest */
export function showSources(sources, manifest) {
  const items = sources.map((source) => make("li", {}, sourceText(source)));
  byId("sources-list").replaceChildren(...items);
  const software = Object.entries(manifest).map(([name, about]) => make("li", {}, `${name} ${about.version} (${about.licence})`));
  byId("software-list").replaceChildren(make("li", {}, t("sources.natural_earth")), ...software);
}

function sourceText(source) {
  const attribution = nameIn(source.attribution, "");
  const licences = [source.licence ?? source.licences ?? []].flat().map((one) => one?.name ?? one?.licence ?? one).join(", ");
  return [nameIn(source.names, source.id), attribution, licences].filter(Boolean).join(" — ");
}
