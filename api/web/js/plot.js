/** The plot of one series. A time without a reading is a gap in the line, and nothing is drawn across it. */
import { locale, t } from "./i18n.js";
import { number, unitText } from "./format.js";
import { addStyle, vendorUrl } from "./vendor.js";

let uPlot = null;

async function library() {
  if (!uPlot) {
    addStyle("uplot/uPlot.min.css");
    ({ default: uPlot } = await import(vendorUrl("uplot/uPlot.esm.js")));
  }
  return uPlot;
}

/**
 * @typedef {Object} Point
 * @property {number} at             seconds since 1970
 * @property {number | null} value
 * @property {number | null} limit   of a reading that is only known to lie below (or above) it
 * @property {string} text
 */

/**
 * Columns for the plot, with an empty row in every gap.
 *
 * The usual step is the median one, because publishers state none that holds; a wait of more than twice that is a gap.
 * @param {Point[]} points in order of time
 * @returns {[number[], (number | null)[], (number | null)[]]}
 */
export function columnsOf(points) {
  const steps = points.slice(1).map((point, index) => point.at - points[index].at).sort((a, b) => a - b);
  const usual = steps.length ? steps[Math.floor(steps.length / 2)] : 0;
  /** @type {[number[], (number | null)[], (number | null)[]]} */
  const columns = [[], [], []];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && point.at - before.at > 2 * usual) push(columns, (before.at + point.at) / 2, null, null);
    push(columns, point.at, point.limit === null ? point.value : null, point.limit);
  });
  return columns;
}

function push(columns, at, value, limit) {
  columns[0].push(at);
  columns[1].push(value);
  columns[2].push(limit);
}

/**
 * Draws into `box` and returns the way to take it down again.
 * @param {HTMLElement} box
 * @param {Point[]} points
 * @param {{unit: string, fromS: number, toS: number, label: string, joined: boolean}} about
 */
export async function draw(box, points, about) {
  const Plot = await library();
  const columns = columnsOf(points);
  const width = Math.max(260, box.clientWidth);
  const plot = new Plot(optionsOf(about, width), columns, box);
  plot.root.setAttribute("role", "img");
  plot.root.setAttribute("aria-label", about.label);
  const resize = new ResizeObserver(() => plot.setSize({ width: Math.max(260, box.clientWidth), height: 200 }));
  resize.observe(box);
  return () => {
    resize.disconnect();
    plot.destroy();
  };
}

function optionsOf({ unit, fromS, toS, joined }, width) {
  const alone = joined ? {} : { paths: () => null };
  const axis = { stroke: "#333", grid: { stroke: "#e3e3e3", width: 1 }, font: "12px system-ui", labelFont: "12px system-ui" };
  return {
    width, height: 200,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: true, min: fromS, max: toS, range: [fromS, toS] }, y: { range: rangeOf } },
    axes: [
      { ...axis, space: 60, values: (_, splits) => splits.map((at) => clock(at, toS - fromS)) },
      { ...axis, label: unitText(unit), size: 58, values: (_, splits) => splits.map(number) },
    ],
    series: [
      {},
      { ...alone, stroke: "#0b4f7d", width: 1.5, spanGaps: false, points: { show: true, size: 4, fill: "#0b4f7d" } },
      { stroke: "#7b3294", paths: () => null, points: { show: true, size: 7, fill: "#ffffff", width: 2 } },
    ],
  };
}

/** The value axis starts at zero, so that a ripple does not look like a wave. */
function rangeOf(_plot, low, high) {
  if (low === null || high === null) return [0, 1];
  const top = high === low ? Math.abs(high) * 2 || 1 : high + (high - Math.min(low, 0)) * 0.1;
  return [Math.min(0, low), top];
}

function clock(at, spanS) {
  const options = spanS > 2 * 86400 ? { month: "numeric", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(at * 1000));
}

/** What to say where no plot can be drawn. */
export const withoutPlot = () => t("missing.plot");
