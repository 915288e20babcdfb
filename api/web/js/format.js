/** Numbers, units, times and ages as a reader of the chosen language writes them. */
import { locale, t } from "./i18n.js";

const UNITS = {
  "uSv/h": "µSv/h", "uGy/h": "µGy/h", "uR/h": "µR/h", "{counts}/min": "cpm", "{counts}/s": "cps", "Bq/m3": "Bq/m³", "mBq/m3": "mBq/m³",
  "Bq/m2": "Bq/m²", "MBq/km2": "MBq/km²", Cel: "°C", deg: "°", "[TU]": "TU", 1: "",
};

/** A UCUM unit as people write it; a unit that nobody published is said to be missing. @param {string} unit */
export function unitText(unit) {
  if (!unit || unit === "{unstated}") return t("unit.unstated");
  return UNITS[unit] ?? unit;
}

/** @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(locale(), { maximumSignificantDigits: 4 }).format(value);
}

/** @param {number} value between 0 and 1 */
export function percent(value) {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(value);
}

/** A moment in the reader's own zone, with the day. @param {string | number | null | undefined} when */
export function moment(when) {
  if (when === null || when === undefined || when === "") return "–";
  const options = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(when));
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A span of seconds in its largest fitting unit. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, length] = steps.find(([, size]) => seconds >= 2 * size) ?? ["minute", 60];
  const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 };
  return new Intl.NumberFormat(locale(), options).format(Math.max(0, Math.floor(seconds / length)));
}

/** @param {number | null | undefined} seconds */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 60 ? t("age.now") : t("age.ago", { age: span(seconds) });
}

/**
 * A value as it may be shown: the number with its unit, or what stands in its place.
 * @param {{value: number | null, unit: string, censoring?: string, limit?: number | null}} row
 */
export function valueText(row) {
  const unit = unitText(row.unit);
  const withUnit = (value) => `${number(value)} ${unit}`.trim();
  if (row.censoring && !["none", "derived"].includes(row.censoring)) {
    const limit = row.limit ?? null;
    return t(`censoring.${row.censoring}`, { limit: limit === null ? "–" : withUnit(limit) });
  }
  return row.value === null || row.value === undefined ? t("detail.no_value") : withUnit(row.value);
}
