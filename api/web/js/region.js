/** The answer to "is it normal here?": the place picker and what the service says of the place. */
import { get } from "./api.js";
import { byId, make, terms } from "./dom.js";
import { moment, number, percent, unitText } from "./format.js";
import { currentLanguage, nameIn, t } from "./i18n.js";
import { REGION_LOOKS, picture } from "./states.js";

/** What is not calm comes first; then dose rates, which people mean when they ask; then what cannot be told before what is normal. */
const RANK = ["high", "elevated", "insufficient", "normal"];
const placeOf = (block) => [Math.min(RANK.indexOf(block.state), 2), block.quantity.includes("dose_rate") ? 0 : 1, RANK.indexOf(block.state)].join("");

/** Fills the picker: countries first, then sea areas and zones. @param {{id: string, kind: string, country: string, names: any}[]} regions */
export function showPicker(regions, chosen) {
  const groups = new Map();
  for (const region of regions) {
    const group = region.kind === "region" ? countryName(region.country) : t(`region.${region.kind}s`);
    groups.set(group, [...(groups.get(group) ?? []), region]);
  }
  const options = [...groups].map(([group, members]) => make("optgroup", { label: group }, ...ordered(members).map(optionOf)));
  const select = byId("region-select");
  select.replaceChildren(make("option", { value: "" }, t("region.choose")), ...options);
  select.value = chosen;
}

/** Prefectures keep their official order, which is that of their ids. */
const ordered = (members) => [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
const optionOf = (region) => make("option", { value: region.id }, nameIn(region.names, region.id));

function countryName(code) {
  if (!code) return t("region.sea_areas");
  return new Intl.DisplayNames([currentLanguage()], { type: "region" }).of(code) ?? code;
}

/** Reads and shows the summary of a place; what cannot be read is said to be unknown. */
export async function showSummary(regionId, medium, about) {
  const box = byId("summary");
  if (!regionId) {
    about.onSummaries("", []);
    box.replaceChildren(make("p", { class: "hint" }, t("region.none")));
    return;
  }
  const answer = await get(`/v1/regions/${encodeURIComponent(regionId)}/summary`);
  if (!about.stillWanted()) return;
  if (!answer.ok) {
    box.replaceChildren(blockOf({ state: "insufficient", sentence: t("contact.failed", { what: regionId, why: answer.why }) }, about));
    return;
  }
  about.onSummaries(regionId, answer.body.summaries);
  const blocks = answer.body.summaries.filter((block) => about.belongs(block.medium, medium));
  blocks.sort((a, b) => placeOf(a).localeCompare(placeOf(b)));
  const title = make("h3", {}, nameIn(answer.body.region?.names, regionId));
  const shown = blocks.length ? blocks : [{ state: "insufficient", sentence: t("region.medium_none") }];
  const when = answer.body.as_of ? make("p", { class: "hint" }, t("page.as_of", { time: moment(answer.body.as_of) })) : null;
  box.replaceChildren(title, ...shown.map((block) => blockOf(block, about)), ...(when ? [when] : []));
}

function blockOf(block, about) {
  const state = block.state in REGION_LOOKS ? block.state : "insufficient";
  const tag = block.exercise ? make("strong", { class: "exercise-tag" }, t("exercise.tag")) : null;
  return make(
    "section",
    { class: "answer", "data-state": state },
    make("p", { class: "answer-state" }, picture(REGION_LOOKS[state], state), make("strong", {}, t(`region_state.${state}`)), tag),
    block.quantity ? make("p", { class: "answer-what" }, titleOf(block)) : null,
    make("p", { class: "answer-sentence" }, nameIn(block.sentence)),
    block.quantity ? numbersOf(block, about) : null,
  );
}

function titleOf({ quantity, analyte, medium }) {
  const parts = [t(`quantity.${quantity}`, {}, quantity), analyte === "gamma-total" ? "" : analyte, t(`medium.${medium}`, {}, medium)];
  return parts.filter(Boolean).join(" · ");
}

/** Counts by code as one line of words. @param {Record<string, number>} counts @param {string} prefix of the codes' words */
const counted = (counts, prefix) => Object.entries(counts ?? {})
  .filter(([, count]) => count > 0)
  .map(([code, count]) => `${t(`${prefix}.${code}`, { limit: "" }, code)}: ${number(count)}`)
  .join("; ");

function numbersOf(block, about) {
  const unit = unitText(block.unit);
  const withUnit = (value) => (value === null || value === undefined ? null : `${number(value)} ${unit}`);
  const share = (value) => (value === null || value === undefined ? null : percent(value));
  const ends = block.min && block.max ? `${number(block.min.value)} – ${withUnit(block.max.value)}` : null;
  const above = block.departure?.above;
  return make(
    "details",
    {},
    make("summary", {}, t("summary.numbers")),
    terms([
      [t("summary.reasons"), (block.reasons ?? []).map((reason) => t(`reason.${reason}`, {}, reason)).join("; ")],
      [t("summary.expected"), number(block.expected)],
      [t("summary.reporting"), number(block.reporting)],
      [t("summary.fresh"), number(block.fresh)],
      [t("summary.judged"), number(block.judged)],
      [t("summary.coverage"), share(block.coverage)],
      [t("summary.excluded"), counted(block.excluded, "reason")],
      [t("summary.median"), withUnit(block.quantiles?.p50)],
      [t("summary.range"), ends],
      [t("summary.above"), above === undefined ? null : number(above)],
      [t("summary.rain"), share(block.rain_explained)],
      [t("summary.censored"), counted(block.censored, "censoring_short")],
      [t("table.time"), block.newest ? moment(block.newest) : null],
      [t("summary.sources"), (block.sources ?? []).map((source) => sourceText(source, about)).join("; ")],
    ]),
  );
}

function sourceText(source, about) {
  return [about.publisher(source.id), nameIn(source.attribution), source.licences.join(", ")].filter(Boolean).join(" — ");
}
