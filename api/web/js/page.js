/** What the page knows: what was asked for (in the address) and what the service answered. */
import { currentLanguage, nameIn } from "./i18n.js";
import { noJudge } from "./judged.js";
import { withoutContact } from "./model.js";

/** After this long without an answer nothing on the page is current any more. */
const LOST_AFTER_S = 600;
const MEDIA = ["air", "land", "sea"];
const asked = new URLSearchParams(location.search);

export const page = {
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
  judge: noJudge,
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

export const sinceAnswerS = () => (page.answeredAt ? (Date.now() - page.answeredAt) / 1000 : 0);
export const isLost = () => page.answeredAt > 0 && sinceAnswerS() > LOST_AFTER_S;
export const publisher = (id) => nameIn(page.sources.find((source) => source.id === id)?.names, id);
export const shownStations = () => [...(isLost() ? withoutContact(page.stations) : page.stations).values()];

/** Keeps what was asked for in the address, so that it can be passed on. */
export function remember() {
  const url = new URL(location.href);
  const kept = { lang: currentLanguage(), medium: page.medium, region: page.region, station: page.station, view: page.view };
  for (const [name, value] of Object.entries(kept)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
}

/** Forgets the newest values: those of one medium must never be read as those of another. */
export function forgetValues() {
  page.rows = [];
  page.sampleRows = [];
  page.samplesAt = { medium: "", nowS: 0 };
  page.answeredAt = 0;
  page.stale = false;
}
