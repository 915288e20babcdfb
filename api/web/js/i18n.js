/** Words in en, ja, ko and zh: one JSON catalogue per language, looked up by key, English where a word is missing. */

export const LANGUAGES = { en: "English", ja: "日本語", ko: "한국어", zh: "中文" };
const HTML_LANG = { en: "en", ja: "ja", ko: "ko", zh: "zh-Hans" };

let language = "en";
/** @type {Record<string, string>} */
let words = {};
/** @type {Record<string, string>} */
let english = {};

/** The language asked for by `?lang=`, else the reader's first one that we speak, else English. */
export function preferredLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const candidates = [asked, ...navigator.languages].filter(Boolean).map((tag) => tag.slice(0, 2).toLowerCase());
  return candidates.find((tag) => tag in LANGUAGES) ?? "en";
}

async function catalogue(code) {
  const answer = await fetch(new URL(`../i18n/${code}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`catalogue ${code}: ${answer.status}`);
  return answer.json();
}

/** Loads a language and marks the document with it. @param {string} code */
export async function useLanguage(code) {
  if (!Object.keys(english).length) english = await catalogue("en");
  words = code === "en" ? english : await catalogue(code);
  language = code;
  document.documentElement.lang = HTML_LANG[code];
}

export const currentLanguage = () => language;
export const locale = () => HTML_LANG[language];

/** The word for a key, with `{name}` filled in; "" for an unknown key when `fallback` is not given. */
export function t(key, values = {}, fallback = undefined) {
  const text = words[key] ?? english[key] ?? fallback ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * One name out of names by language, as published: the reader's language, English, or whatever there is.
 * Where several names are in use for one place, all of them are shown; none is preferred.
 * @param {Record<string, string | string[]> | {language: string, text: string}[] | string | null | undefined} names
 */
export function nameIn(names, fallback = "") {
  if (!names) return fallback;
  if (typeof names === "string") return names;
  const table = Array.isArray(names) ? byLanguage(names) : names;
  const found = table[language] ?? table[`${language}-hans`] ?? table[`${language}-hant`] ?? table.en ?? Object.values(table)[0] ?? fallback;
  return Array.isArray(found) ? found.join(" / ") : found;
}

/** Every name as published, with its language if told. @param {{language: string, text: string}[] | string} names */
export function allNames(names) {
  return Array.isArray(names) ? names : [];
}

/** @param {{language: string, text: string}[]} texts */
function byLanguage(texts) {
  /** @type {Record<string, string[]>} */
  const table = {};
  for (const { language: code, text } of texts) (table[code] ??= []).push(text);
  return table;
}

/** Fills every element that carries data-t (text) or data-t-label (aria-label). @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  document.title = t("page.title");
}
