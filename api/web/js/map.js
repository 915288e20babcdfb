/** The map: countries and regions drawn lightly, stations by shape and colour. MapLibre comes from our own server. */
import { LOOKS, STATES, BY_ATTENTION, pixels } from "./states.js";
import { addStyle, vendorUrl } from "./vendor.js";

const HOME = { center: [133, 36.5], zoom: 4.1 };
/** On a telephone there is room for Japan and the strait to Korea. */
const HOME_NARROW = { center: [136.5, 37], zoom: 3.6 };
const NARROW_PX = 480;
const EMPTY = { type: "FeatureCollection", features: [] };
const SEA = "#dfe7ee";
const LAND = "#f7f5f0";

const style = {
  version: 8,
  sources: {
    countries: { type: "geojson", data: EMPTY },
    regions: { type: "geojson", data: EMPTY, promoteId: "id" },
    stations: { type: "geojson", data: EMPTY },
  },
  layers: [
    { id: "sea", type: "background", paint: { "background-color": SEA } },
    {
      id: "sea-area-lines", type: "line", source: "regions", filter: ["!=", ["get", "kind"], "region"],
      paint: { "line-color": "#8fa9bf", "line-width": 0.7, "line-dasharray": [3, 3] },
    },
    { id: "countries", type: "fill", source: "countries", paint: { "fill-color": LAND } },
    { id: "country-lines", type: "line", source: "countries", paint: { "line-color": "#c4c0b6", "line-width": 0.6 } },
    {
      id: "regions", type: "fill", source: "regions", filter: ["==", ["get", "kind"], "region"],
      paint: { "fill-color": LAND },
    },
    {
      id: "region-lines", type: "line", source: "regions", filter: ["==", ["get", "kind"], "region"],
      paint: { "line-color": "#b9b4a8", "line-width": 0.7 },
    },
    {
      id: "chosen-region", type: "line", source: "regions", filter: ["==", ["get", "id"], ""],
      paint: { "line-color": "#1a1a1a", "line-width": 2.2 },
    },
    {
      id: "chosen-station", type: "circle", source: "stations", filter: ["==", ["get", "id"], ""],
      paint: {
        "circle-radius": 15, "circle-color": "rgba(255,255,255,0.7)", "circle-stroke-color": "#1a1a1a", "circle-stroke-width": 2.5,
      },
    },
    {
      id: "stations", type: "symbol", source: "stations",
      layout: {
        "icon-image": ["get", "state"], "icon-allow-overlap": true, "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "order"],
        "icon-size": ["interpolate", ["linear"], ["zoom"],
          3, ["*", 0.3, ["get", "size"]], 6, ["*", 0.48, ["get", "size"]], 10, ["*", 0.75, ["get", "size"]]],
      },
    },
  ],
};

/** True when this browser can draw the map at all. */
export function canDrawMaps() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2"));
}

/** @param {Iterable<import("./model.js").Station>} stations */
export function featuresOf(stations) {
  const features = [];
  for (const station of stations) {
    if (station.longitude === null || station.latitude === null) continue;
    features.push({
      type: "Feature",
      geometry: { type: "Point", coordinates: [station.longitude, station.latitude] },
      properties: {
        id: station.id, state: station.state, size: LOOKS[station.state].size,
        order: BY_ATTENTION.length - BY_ATTENTION.indexOf(station.state),
      },
    });
  }
  return { type: "FeatureCollection", features };
}

/**
 * Draws the map into `container` and returns its handles.
 * @param {HTMLElement} container
 * @param {{onStation: (id: string) => void, onRegion: (id: string) => void, label: string}} handlers
 */
export async function openMap(container, handlers) {
  addStyle("maplibre/maplibre-gl.css");
  const { Map, NavigationControl, ScaleControl, setWorkerUrl } = await import(vendorUrl("maplibre/maplibre-gl.mjs"));
  setWorkerUrl(vendorUrl("maplibre/maplibre-gl-worker.mjs"));
  const map = new Map({
    container, style, ...(container.clientWidth < NARROW_PX ? HOME_NARROW : HOME), attributionControl: false, dragRotate: false, pitchWithRotate: false, maxPitch: 0,
    renderWorldCopies: true, fadeDuration: 0, locale: { "Map.Title": handlers.label },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl(), "bottom-left");
  await new Promise((resolve) => map.once("style.load", resolve));
  for (const state of STATES) map.addImage(state, pixels(LOOKS[state]), { pixelRatio: 1 });
  listen(map, handlers);
  drawCountries(map);
  return handles(map);
}

function handles(map) {
  return {
    map,
    /** Drawing takes a worker's time; until the map shows these stations it says that it is busy. */
    showStations(stations) {
      map.getContainer().setAttribute("aria-busy", "true");
      map.getSource("stations").setData(featuresOf(stations));
    },
    showRegions: (collection) => map.getSource("regions").setData(collection),
    choose(stationId, regionId) {
      map.setFilter("chosen-station", ["==", ["get", "id"], stationId]);
      map.setFilter("chosen-region", ["==", ["get", "id"], regionId]);
    },
    goTo: (bounds) => map.fitBounds(bounds, { padding: 40, maxZoom: 9, duration: 0 }),
  };
}

function listen(map, { onStation, onRegion }) {
  map.on("click", (event) => {
    const { x, y } = event.point;
    const near = map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers: ["stations"] });
    if (near.length) {
      onStation(nearest(map, near, event.point).properties.id);
      return;
    }
    const [region] = map.queryRenderedFeatures(event.point, { layers: ["regions"] });
    if (region) onRegion(region.properties.id);
  });
  map.on("idle", () => map.getContainer().setAttribute("aria-busy", "false"));
  map.on("mouseenter", "stations", () => { map.getCanvas().style.cursor = "pointer"; });
  map.on("mouseleave", "stations", () => { map.getCanvas().style.cursor = ""; });
}

function nearest(map, features, point) {
  const distance = (feature) => {
    const at = map.project(feature.geometry.coordinates);
    return (at.x - point.x) ** 2 + (at.y - point.y) ** 2;
  };
  return features.reduce((best, feature) => (distance(feature) < distance(best) ? feature : best));
}

/** The base map is an ornament: without it the stations still stand in their places. */
async function drawCountries(map) {
  const [{ default: feature }, answer] = await Promise.all([
    import(vendorUrl("topojson/feature.js")), fetch(vendorUrl("world/countries-50m.json")),
  ]);
  const topology = await answer.json();
  map.getSource("countries").setData(feature(topology, topology.objects.countries));
}

/**
 * Where to look for a place: the box of its largest part, because far islets would push the rest into a corner
 * (Tokyo reaches to 20 degrees north).
 * @param {{type: string, coordinates: any}} geometry
 */
export function boundsOf(geometry) {
  const polygons = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
  const boxes = polygons.map((polygon) => boxOf(polygon[0]));
  const size = ([[west, south], [east, north]]) => (east - west) * (north - south);
  return boxes.reduce((largest, box) => (size(box) > size(largest) ? box : largest));
}

function boxOf(ring) {
  const longitudes = ring.map(([longitude]) => longitude);
  const latitudes = ring.map(([, latitude]) => latitude);
  return [[Math.min(...longitudes), Math.min(...latitudes)], [Math.max(...longitudes), Math.max(...latitudes)]];
}
