/** The libraries that set-up copies beside the page. Any of them may be missing; then the page says so and goes on. */

const BASE = new URL("../vendor/", import.meta.url);
const NEEDED = {
  "maplibre-gl": ["maplibre/maplibre-gl.mjs", "maplibre/maplibre-gl-worker.mjs", "maplibre/maplibre-gl.css"],
  uplot: ["uplot/uPlot.esm.js", "uplot/uPlot.min.css"],
  "topojson-client": ["topojson/feature.js"],
  "world-atlas": ["world/countries-50m.json"],
};

export const vendorUrl = (file) => new URL(file, BASE).href;

/** Names of the packages that the manifest of set-up does not list in full, and what it does list. */
export async function vendorState() {
  let manifest = {};
  try {
    const answer = await fetch(vendorUrl("manifest.json"));
    if (answer.ok) manifest = await answer.json();
  } catch {
    manifest = {};
  }
  const missing = Object.entries(NEEDED)
    .filter(([name, files]) => !files.every((file) => manifest[name]?.files?.includes(file)))
    .map(([name]) => name);
  return { missing, manifest };
}

/** Adds a stylesheet of a library to the page. @param {string} file */
export function addStyle(file) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = vendorUrl(file);
  document.head.prepend(link);
}
