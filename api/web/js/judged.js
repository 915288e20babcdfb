/**
 * What the summary of the chosen place says of single stations, until /v1/latest says it of each series itself.
 *
 * A summary names the stations above their own past (at most twenty) and counts those that it judged. Only where it judged every
 * fresh station and named every one above does it follow that the others are within their own range. Nothing weaker is taken for calm.
 */

/** @typedef {(row: import("./model.js").Latest, areas: string[]) => string} Judge "normal", "elevated" or "" */

/** @type {Judge} */
export const noJudge = () => "";

/** @param {string} regionId @param {any[]} summaries of that region @returns {Judge} */
export function judgeOf(regionId, summaries) {
  /** @type {Map<string, any>} */
  const blocks = new Map(summaries.filter((block) => block.window_class === "current").map((block) => [keyOf(block), block]));
  return (row, areas) => {
    const block = areas.includes(regionId) ? blocks.get(keyOf(row)) : undefined;
    if (!block?.departure) return "";
    const named = block.departure.stations_above;
    if (named.includes(row.station)) return "elevated";
    return block.judged === block.fresh && named.length === block.departure.above ? "normal" : "";
  };
}

const keyOf = ({ medium, quantity, analyte, exercise }) => [medium, quantity, analyte, exercise].join("|");
