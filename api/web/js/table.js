/** The table: the same stations as the map, for whoever cannot or will not use the map. A hundred rows at a time. */
import { byId, make } from "./dom.js";
import { age, number, valueText } from "./format.js";
import { allNames, nameIn, t } from "./i18n.js";
import { BY_ATTENTION, LOOKS, picture } from "./states.js";

const PAGE = 100;

const COLUMNS = [
  { id: "state", key: (station) => BY_ATTENTION.indexOf(station.state) },
  { id: "station", key: (station) => nameIn(station.names, station.id) },
  { id: "value", key: (station) => -(station.main.value ?? -Infinity) },
  { id: "quantity", key: (station) => station.main.quantity },
  { id: "age", key: (station) => -(station.main.ageS ?? Infinity) },
  { id: "publisher", key: (station) => station.main.source },
];

const view = { sort: "state", descending: false, page: 0, search: "" };

/**
 * @param {import("./model.js").Station[]} stations
 * @param {{chosen: string, publisher: (source: string) => string, extraAgeS: number, onStation: (id: string) => void}} about
 */
export function showTable(stations, about) {
  const column = COLUMNS.find((one) => one.id === view.sort) ?? COLUMNS[0];
  const found = stations.filter((station) => matches(station, view.search));
  const ordered = sorted(found, column.key, view.descending);
  const pages = Math.max(1, Math.ceil(ordered.length / PAGE));
  view.page = Math.min(view.page, pages - 1);
  const redraw = () => showTable(stations, about);
  showHead(redraw);
  const slice = ordered.slice(view.page * PAGE, (view.page + 1) * PAGE);
  byId("table-body").replaceChildren(...slice.map((station) => rowOf(station, about)));
  byId("table-empty").hidden = ordered.length > 0;
  showPager(ordered.length, pages, redraw);
  byId("table-search").oninput = (event) => {
    view.search = event.target.value;
    view.page = 0;
    redraw();
  };
}

function matches(station, search) {
  if (!search) return true;
  const names = typeof station.names === "string" ? station.names : JSON.stringify(station.names);
  return `${names} ${station.id}`.toLocaleLowerCase().includes(search.toLocaleLowerCase());
}

function sorted(stations, key, descending) {
  const keyed = stations.map((station) => ({ station, by: key(station) }));
  const collator = new Intl.Collator();
  keyed.sort((a, b) => {
    const order = typeof a.by === "number" ? (a.by < b.by ? -1 : Number(a.by > b.by)) : collator.compare(a.by, b.by);
    return order || (a.station.id < b.station.id ? -1 : 1);
  });
  if (descending) keyed.reverse();
  return keyed.map((one) => one.station);
}

function showHead(redraw) {
  const cells = COLUMNS.map(({ id }) => {
    const current = view.sort === id;
    const sort = () => {
      view.descending = current && !view.descending;
      view.sort = id;
      redraw();
      document.querySelector(`#table-head [data-column="${id}"]`)?.focus();
    };
    const label = t(`table.${id}`);
    const arrow = current ? (view.descending ? " ▼" : " ▲") : "";
    return make(
      "th",
      { scope: "col", "aria-sort": current ? (view.descending ? "descending" : "ascending") : null },
      make("button", { type: "button", "data-column": id, title: t("table.sort", { column: label }), click: sort }, label + arrow),
    );
  });
  byId("table-head").replaceChildren(make("tr", {}, ...cells));
}

function rowOf(station, { chosen, publisher, extraAgeS, onStation }) {
  const { main } = station;
  const exercise = station.exercise ? make("strong", { class: "exercise-tag" }, t("exercise.tag")) : null;
  const open = make("button", { type: "button", class: "link", click: () => onStation(station.id) }, nameIn(station.names, station.id));
  const original = allNames(station.names).find((name) => name.text !== open.textContent);
  const other = original ? make("span", { class: "hint other-name", lang: original.language || null }, original.text) : null;
  const state = make("span", { class: "state" }, picture(LOOKS[station.state], station.state), t(`state_short.${station.state}`));
  return make(
    "tr",
    { "data-station": station.id, "data-state": station.state, class: station.id === chosen ? "chosen" : null },
    make("td", {}, state),
    make("th", { scope: "row" }, open, exercise, other),
    make("td", { class: "number" }, valueText(main)),
    make("td", {}, [t(`quantity.${main.quantity}`, {}, main.quantity), main.analyte === "gamma-total" ? "" : main.analyte].filter(Boolean).join(" · ")),
    make("td", {}, age(main.ageS === null ? null : main.ageS + extraAgeS)),
    make("td", {}, publisher(main.source)),
  );
}

function showPager(total, pages, redraw) {
  const turn = (step) => () => {
    view.page += step;
    redraw();
  };
  const from = total ? view.page * PAGE + 1 : 0;
  const to = Math.min(total, (view.page + 1) * PAGE);
  const text = t("table.rows", { from: number(from), to: number(to), total: number(total) });
  byId("table-pager").replaceChildren(
    make("button", { type: "button", disabled: view.page === 0, click: turn(-1) }, t("table.previous")),
    make("span", { role: "status" }, text),
    make("button", { type: "button", disabled: view.page >= pages - 1, click: turn(1) }, t("table.next")),
  );
}
