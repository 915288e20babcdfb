/** From the rows of /v1/latest to stations with a state each. Nothing is judged here that the service has not said. */
import { mostUrgent, stateOf } from "./states.js";

/**
 * @typedef {Object} Latest  the newest value of one series
 * @property {string} series
 * @property {string} station
 * @property {string} quantity
 * @property {string} analyte
 * @property {string} medium
 * @property {string} unit
 * @property {number | null} value
 * @property {string} censoring
 * @property {number | null} limit
 * @property {{text?: string, unit?: string}} published
 * @property {string[]} qc
 * @property {boolean} unfit
 * @property {string} freshness
 * @property {string} judgement   "normal", "elevated", "high" or "" when the service has not judged
 * @property {boolean} alerted    an open alert names this series
 * @property {number | null} ageS at the moment of the answer
 * @property {string | null} end
 * @property {string | null} start null if the publisher states no averaging window
 * @property {string | null} received
 * @property {string} kind
 * @property {{id: string, factor: string} | null} conversion
 * @property {number} revision    1, and one more for each correction
 * @property {string} source
 * @property {string} feed
 * @property {string} licence
 * @property {string} rights
 * @property {boolean} exercise
 * @property {{median: number, scale: number, count: number} | null} usual of its own past
 * @property {string} about       of a sample: species, tissue, layer
 * @property {any[] | null} history of a sample's series: its results in order of time; null where they have to be asked for
 * @property {string} state       what it is shown as
 */

/**
 * @typedef {Object} Station
 * @property {string} id
 * @property {any} names
 * @property {number | null} longitude
 * @property {number | null} latitude
 * @property {string[]} areas
 * @property {string} mark
 * @property {Latest[]} rows
 * @property {Latest} main    the row that it is known by on the map
 * @property {string} state
 * @property {boolean} exercise
 */

const UNFIT = new Set(["below_range", "above_range", "gross_range", "negative", "stuck", "future_stamp", "no_reliable_unit"]);

/** Quantities that speak of radiation, the most telling first; rain or wind never stands for a station. */
const RADIATION = [
  "air_dose_rate_as_published", "ambient_dose_equivalent_rate", "air_kerma_rate", "absorbed_dose_rate_in_air",
  "terrestrial_gamma_dose_rate", "exposure_rate", "activity_concentration_in_water", "activity_concentration_in_air",
  "activity_per_fresh_mass", "activity_per_dry_mass", "activity_per_ash_mass", "activity_per_mass_basis_not_stated",
  "activity_per_volume_of_tissue_water", "activity_per_volume_of_combustion_water", "activity_per_volume_basis_not_stated",
  "deposition", "tritium_units", "activity_ratio", "activity_unit_not_stated", "count_rate", "airborne_beta_unit_not_stated",
  "detector_output_unit_not_stated",
];
const RANK = new Map(RADIATION.map((quantity, rank) => [quantity, rank]));

/** Whether a quantity speaks of radiation. @param {string} quantity */
export const isRadiation = (quantity) => RANK.has(quantity);

const numberOr = (value, other) => (typeof value === "number" ? value : other);

/** @param {any} row of /v1/latest @param {Set<string>} alertedSeries @param {import("./judged.js").Judge} judge @returns {Latest} */
export function latestOf(row, alertedSeries, judge) {
  const qc = row.qc ?? [];
  const latest = {
    series: row.series, station: row.station, quantity: row.quantity, analyte: row.analyte ?? "", medium: row.medium,
    unit: row.unit ?? "", value: row.value ?? null, censoring: row.censoring ?? "none", limit: row.limit ?? null,
    published: row.published ?? {}, qc, unfit: qc.some((code) => UNFIT.has(code)),
    freshness: row.freshness ?? "never", judgement: row.judgement ?? "", usual: row.usual ?? null,
    alerted: alertedSeries.has(row.series), ageS: numberOr(row.age_s, null), end: row.phenomenon_end ?? null,
    start: row.phenomenon_start ?? null,
    received: row.received_at ?? null, kind: row.kind ?? "measured", conversion: row.conversion ?? null, revision: row.revision ?? 1,
    source: row.source ?? "", feed: row.feed ?? "", licence: row.licence ?? "", rights: row.rights ?? "",
    exercise: Boolean(row.exercise), about: row.about ?? "", history: row.history ?? null, state: "never",
  };
  latest.judgement ||= judge(latest, row.regions ?? []);
  latest.state = stateOf(latest);
  return latest;
}

/**
 * Groups rows by station. A station that measures nothing of radiation (a rain gauge) has no state and is left out.
 * @param {any[]} raws @param {Set<string>} alertedSeries @param {import("./judged.js").Judge} judge @returns {Map<string, Station>}
 */
export function stationsOf(raws, alertedSeries, judge) {
  /** @type {Map<string, Station>} */
  const stations = new Map();
  for (const raw of raws) {
    const row = latestOf(raw, alertedSeries, judge);
    const known = stations.get(row.station) ?? emptyStation(raw, row);
    known.rows.push(row);
    known.exercise ||= row.exercise;
    stations.set(row.station, known);
  }
  for (const [id, station] of stations) {
    const main = mainRow(station.rows);
    if (main) Object.assign(station, { main, state: main.state });
    else stations.delete(id);
  }
  return stations;
}

function emptyStation(raw, row) {
  return {
    id: row.station, names: raw.station_names ?? row.station,
    longitude: numberOr(raw.longitude, null), latitude: numberOr(raw.latitude, null), areas: raw.regions ?? [],
    mark: raw.publisher_mark ?? "", rows: [], main: row, state: "never", exercise: false,
  };
}

/** Among rows of one quantity and state: the nuclide that people ask for first, then the newest. */
const ANALYTES = ["gamma-total", "Cs-137", "H-3", "Cs-134", "Sr-90", "I-131"];
function telling(row) {
  const place = ANALYTES.indexOf(row.analyte);
  return (place < 0 ? ANALYTES.length : place) + Math.min(0.99, (row.ageS ?? 0) / 1e9);
}

/**
 * The row a station is known by: its most telling quantity, and within that the row that asks for most attention.
 *
 * Posts publish one quantity over several averaging windows, and instruments get replaced. A station whose second series fell silent
 * still reports, so fresh rows go first (as in the summary of a region); the silent one stands in the station's own list.
 * @param {Latest[]} rows @returns {Latest | null}
 */
export function mainRow(rows) {
  const known = rows.filter((row) => RANK.has(row.quantity));
  if (!known.length) return null;
  const best = Math.min(...known.map((row) => RANK.get(row.quantity)));
  const among = known.filter((row) => RANK.get(row.quantity) === best);
  const fresh = among.filter((row) => row.freshness === "fresh");
  const speaking = fresh.length ? fresh : among;
  const state = mostUrgent(speaking.map((row) => row.state));
  const candidates = speaking.filter((row) => row.state === state);
  return candidates.reduce((best, row) => (telling(row) < telling(best) ? row : best));
}

/** When the page has lost the service nothing is fresh: what was calm becomes unknown. @param {Map<string, Station>} stations */
export function withoutContact(stations) {
  const unknown = new Map();
  for (const [id, station] of stations) {
    const keeps = ["silent", "never", "elevated", "sample"].includes(station.state);
    unknown.set(id, keeps ? station : { ...station, state: "lost" });
  }
  return unknown;
}

/** @param {Iterable<Station>} stations @returns {Record<string, number>} */
export function countByState(stations) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const station of stations) counts[station.state] = (counts[station.state] ?? 0) + 1;
  return counts;
}
