/**
 * The states that a station can be shown in: closed list, each with a shape of its own and a colour.
 *
 * Shape comes first, because about one man in twelve does not tell red from green; the colours are Okabe and Ito's.
 * There is no green: nothing here says that a place is free of danger. `silent` is a black cross, the opposite of calm.
 */

/**
 * @typedef {Object} Look
 * @property {string} path   outline in a box of 24 x 24
 * @property {string} fill   CSS colour, or "none"
 * @property {string} stroke CSS colour
 * @property {number} width  of the stroke
 * @property {number} size   relative to the others
 */

/** @type {Record<string, Look>} */
export const LOOKS = {
  normal: { path: "M12 6a6 6 0 1 0 0 12a6 6 0 1 0 0 -12z", fill: "#0072b2", stroke: "#ffffff", width: 1.5, size: 0.8 },
  elevated: { path: "M12 1.5L23 21H1z", fill: "#d55e00", stroke: "#1a1a1a", width: 1.5, size: 1.15 },
  no_baseline: { path: "M12 4.5L19.5 12L12 19.5L4.5 12z", fill: "#ffffff", stroke: "#0072b2", width: 2.5, size: 0.85 },
  below_range: { path: "M2.5 9H21.5V15H2.5z", fill: "#bfe3f7", stroke: "#1f4e66", width: 2, size: 0.9 },
  doubtful: {
    path: "M12 1.5L14.8 9.2L22.5 12L14.8 14.8L12 22.5L9.2 14.8L1.5 12L9.2 9.2z",
    fill: "#ffffff", stroke: "#7b3294", width: 2, size: 1,
  },
  late: { path: "M5 5H19V19H5z", fill: "#f0e442", stroke: "#1a1a1a", width: 2, size: 0.9 },
  feed_late: { path: "M4.5 3H19.5L4.5 21H19.5z", fill: "#cc79a7", stroke: "#1a1a1a", width: 2, size: 1 },
  silent: { path: "M4 4L20 20M20 4L4 20", fill: "none", stroke: "#000000", width: 4.5, size: 1 },
  never: { path: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0 -17zM6 18L18 6", fill: "#ffffff", stroke: "#555555", width: 2.5, size: 0.9 },
  sample: {
    path: "M6.5 2.5H17.5M9 2.5V18.5a3 3 0 0 0 6 0V2.5",
    fill: "#56b4e9", stroke: "#123a52", width: 1.8, size: 0.95,
  },
  lost: {
    path: "M7.5 8.5a4.5 4.5 0 1 1 6.6 4c-1.5 .8 -2.1 1.6 -2.1 3.2M12 19.6V20.4",
    fill: "none", stroke: "#000000", width: 3.2, size: 1,
  },
};

/** States from the one that asks for most attention to the least: what a station with several series is shown as. */
export const BY_ATTENTION = [
  "elevated", "silent", "lost", "never", "feed_late", "late", "doubtful", "below_range", "no_baseline", "sample", "normal",
];

/** Order of the legend. */
export const STATES = [
  "normal", "elevated", "no_baseline", "below_range", "doubtful", "late", "feed_late", "silent", "never", "sample", "lost",
];

/** How the state of a region looks; `insufficient` borrows the question mark, never a calm shape. */
export const REGION_LOOKS = {
  normal: LOOKS.normal,
  elevated: LOOKS.elevated,
  high: { ...LOOKS.elevated, fill: "#8b0000" },
  insufficient: LOOKS.lost,
};

const NOT_FRESH = new Set(["late", "silent", "feed_late", "never", "sample"]);
const ICON_PIXELS = 48;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The state that one newest value is shown in.
 *
 * Calm must be said, never assumed: whatever is not explicitly judged normal is something else.
 * @param {import("./model.js").Latest} row
 * @returns {string}
 */
export function stateOf(row) {
  if (row.freshness !== "fresh") return NOT_FRESH.has(row.freshness) ? row.freshness : "never";
  if (row.alerted || row.qc.includes("above_range")) return "elevated";
  if (row.qc.includes("below_range")) return "below_range";
  if (row.unfit) return "doubtful";
  if (row.judgement === "elevated" || row.judgement === "high") return "elevated";
  return row.judgement === "normal" ? "normal" : "no_baseline";
}

/** The state among `states` that asks for most attention. @param {string[]} states */
export function mostUrgent(states) {
  return BY_ATTENTION.find((state) => states.includes(state)) ?? "never";
}

/** An inline picture of a look, hidden from readers of the text beside it. @param {Look} look @param {string} name */
export function picture(look, name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "state-icon");
  svg.dataset.state = name;
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", look.path);
  path.setAttribute("fill", look.fill);
  path.setAttribute("stroke", look.stroke === "#ffffff" ? look.fill : look.stroke);
  path.setAttribute("stroke-width", String(look.width));
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}

/** The pixels of a look for the map, with a white halo so that it stands out from its neighbours. @param {Look} look */
export function pixels(look) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = ICON_PIXELS;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const scale = (ICON_PIXELS / 28) * 1;
  context.scale(scale, scale);
  context.translate(2, 2);
  context.lineJoin = context.lineCap = "round";
  const shape = new Path2D(look.path);
  context.strokeStyle = "#ffffff";
  context.lineWidth = look.width + 2.5;
  context.stroke(shape);
  if (look.fill !== "none") {
    context.fillStyle = look.fill;
    context.fill(shape);
  }
  context.strokeStyle = look.stroke;
  context.lineWidth = look.width;
  context.stroke(shape);
  return context.getImageData(0, 0, ICON_PIXELS, ICON_PIXELS);
}
