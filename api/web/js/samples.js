/**
 * Laboratory samples as rows beside the newest values: the newest result of each series, with those before it.
 *
 * A sample is true of its own date. It is never fresh and never late, so it has a state of its own and takes no part in "now".
 */

/** Quarterly programmes are the slowest that we read; with their weeks in the laboratory this still shows the last sampling. */
export const SAMPLE_DAYS = 120;

const NO_RESULT = new Set(["not_measured", "not_reported"]);

/** The window to ask for, ending at the service's own now. @param {number} nowS */
export function sampleWindow(nowS) {
  const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return { from: iso(nowS - SAMPLE_DAYS * 86400), to: iso(nowS + 1) };
}

/**
 * @param {any[]} samples of /v1/samples @param {number} nowS
 * @returns {any[]} rows in the shape of /v1/latest, `history` holding every result of the series in order of time
 */
export function rowsOfSamples(samples, nowS) {
  /** @type {Map<string, any>} */
  const rows = new Map();
  const ordered = [...samples].sort((a, b) => (a.phenomenon_end < b.phenomenon_end ? -1 : 1));
  for (const sample of ordered) {
    for (const result of sample.results) {
      if (NO_RESULT.has(result.censoring)) continue;
      const row = rowOf(sample, result, nowS);
      const history = rows.get(row.series)?.history ?? [];
      rows.set(row.series, { ...row, history: [...history, row] });
    }
  }
  return [...rows.values()];
}

function rowOf(sample, result, nowS) {
  const { results: _results, station_name: name, ...shared } = sample;
  return {
    ...shared, ...result,
    station_names: [{ language: "", text: name || sample.station }],
    published: result.published, freshness: "sample", qc: [],
    age_s: nowS - Date.parse(sample.phenomenon_end) / 1000,
    about: [sample.taxon, sample.tissue, sample.layer?.label].filter(Boolean).join(", "),
  };
}
