/** Asking our own /v1, and nobody else. Failures are values: the page must be able to say what it could not read. */

/**
 * @typedef {Object} Answer
 * @property {boolean} ok
 * @property {any} body        parsed JSON, or null
 * @property {number} maxAgeS  how long the service says that the answer holds
 * @property {string} why      code or status when it failed
 */

const NO_ANSWER = { ok: false, body: null, maxAgeS: 60 };
const MOST_PAGES = 50;

function maxAge(headers) {
  const found = /max-age=(\d+)/.exec(headers.get("cache-control") ?? "");
  return found ? Number(found[1]) : 60;
}

/** The address of a path with its parameters; empty ones are left out. */
export function address(path, parameters = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** One answer. @param {URL | string} url @returns {Promise<Answer>} */
export async function get(url, parameters = {}) {
  const where = url instanceof URL ? url : address(url, parameters);
  try {
    const answer = await fetch(where, { headers: { accept: "application/json" } });
    const body = await answer.json();
    if (!answer.ok) return { ...NO_ANSWER, body, why: body?.code ?? String(answer.status) };
    return { ok: true, body, maxAgeS: maxAge(answer.headers), why: "" };
  } catch (error) {
    return { ...NO_ANSWER, why: error instanceof Error ? error.name : "unknown" };
  }
}

/** The rows of a list answer: they stand under the name of the resource, roll-ups under `buckets`, GeoJSON under `features`. */
function rowsOf(url, body) {
  const resource = url.pathname.split("/").pop();
  return body?.features ?? body?.[resource] ?? body?.buckets ?? [];
}

/** The address of the next page, or null; an address elsewhere is never followed. */
function following(url, next) {
  if (!next) return null;
  const looksLikeAddress = /^(https?:)?\//.test(next) || next.startsWith("?");
  const target = looksLikeAddress ? new URL(next, url) : address(url.pathname + url.search, { cursor: next });
  return target.origin === location.origin ? target : null;
}

/**
 * Every row of a list, page after page. The first body is kept for what stands beside the rows (as_of, stale, exercise).
 * @returns {Promise<Answer & {rows: any[]}>}
 */
export async function all(path, parameters = {}) {
  let url = address(path, parameters);
  /** @type {any[]} */
  const rows = [];
  let first = null;
  for (let page = 0; url && page < MOST_PAGES; page += 1) {
    const answer = await get(url);
    if (!answer.ok) return { ...answer, rows };
    first ??= answer;
    rows.push(...rowsOf(url, answer.body));
    url = following(url, answer.body?.next);
  }
  if (url) return { ...NO_ANSWER, why: "too_many_pages", rows };
  return { ...first, rows };
}
