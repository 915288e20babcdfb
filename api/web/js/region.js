/** The answer to "is it normal here?": the place picker and what the service says of the place. */
import { get } from "./api.js";
import { byId, make, terms } from "./dom.js";
import { moment, number, percent, unitText } from "./format.js";
import { currentLanguage, nameIn, t } from "./i18n.js";
import { REGION_LOOKS, picture } from "./states.js";

const RANK = ["high", "elevated", "insufficient", "normal"];

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
    box.replaceChildren(make("p", { class: "hint" }, t("region.none")));
    return;
  }
  const answer = await get(`/v1/regions/${encodeURIComponent(regionId)}/summary`);
  if (!about.stillWanted()) return;
  if (!answer.ok) {
    box.replaceChildren(blockOf({ state: "insufficient", sentence: t("contact.failed", { what: regionId, why: answer.why }) }, about));
    return;
  }
  const blocks = blocksOf(answer.body).filter((block) => about.belongs(block.medium, medium));
  blocks.sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
  const title = make("h3", {}, nameIn(answer.body.region?.names ?? answer.body.names, regionId));
  const shown = blocks.length ? blocks : [{ state: "insufficient", sentence: t("region.medium_none") }];
  const when = answer.body.as_of ? make("p", { class: "hint" }, t("page.as_of", { time: moment(answer.body.as_of) })) : null;
  box.replaceChildren(title, ...shown.map((block) => blockOf(block, about)), ...(when ? [when] : []));
}

/** The per-medium, per-quantity answers of a summary. */
function blocksOf(body) {
  return body.summaries ?? body.groups ?? body.blocks ?? body.items ?? [];
}

function blockOf(block, about) {
  const state = block.state in REGION_LOOKS ? block.state : "insufficient";
  const title = block.quantity
    ? `${t(`quantity.${block.quantity}`, {}, block.quantity)} · ${t(`medium.${block.medium}`, {}, block.medium)}`
    : "";
  const tag = block.exercise ? make("strong", { class: "exercise-tag" }, t("exercise.tag")) : null;
  return make(
    "section",
    { class: "answer", "data-state": state },
    make("p", { class: "answer-state" }, picture(REGION_LOOKS[state], state), make("strong", {}, t(`region_state.${state}`)), tag),
    title ? make("p", { class: "answer-what" }, title) : null,
    make("p", { class: "answer-sentence" }, sentenceOf(block)),
    block.quantity ? numbersOf(block, about) : null,
  );
}

function sentenceOf(block) {
  return nameIn(block.sentence ?? block.sentences, "");
}

function numbersOf(block, about) {
  const { quantiles = {} } = block;
  const unit = unitText(block.unit);
  const withUnit = (value) => (value === null || value === undefined ? null : `${number(value)} ${unit}`);
  const excluded = Object.entries(block.excluded ?? {}).filter(([, count]) => count > 0);
  const left = excluded.map(([reason, count]) => `${t(`reason.${reason}`, {}, reason)}: ${number(count)}`).join("; ");
  const low = block.min?.value ?? block.minimum?.value;
  const high = block.max?.value ?? block.maximum?.value;
  const reasons = (block.reasons ?? []).map((reason) => t(`reason.${reason}`, {}, reason)).join("; ");
  return make(
    "details",
    {},
    make("summary", {}, t("summary.numbers")),
    terms([
      [t("summary.reasons"), reasons],
      [t("summary.expected"), number(block.expected)],
      [t("summary.reporting"), number(block.reporting)],
      [t("summary.fresh"), number(block.fresh)],
      [t("summary.coverage"), block.coverage === undefined || block.coverage === null ? null : percent(block.coverage)],
      [t("summary.excluded"), left],
      [t("summary.median"), withUnit(quantiles.p50)],
      [t("summary.range"), low === undefined || high === undefined ? null : `${number(low)} – ${withUnit(high)}`],
      [t("summary.above"), block.departure?.above === undefined ? null : number(block.departure.above)],
      [t("summary.sources"), (block.sources ?? []).map((source) => about.publisher(source.id ?? source)).join("; ")],
    ]),
  );
}
