/** The legend: every state with its shape, its count, and a button that shows only it. */
import { byId, make } from "./dom.js";
import { number } from "./format.js";
import { t } from "./i18n.js";
import { LOOKS, STATES, picture } from "./states.js";

/** States that not every view can hold; the others are listed with their zero. */
const ONLY_IF_ANY = new Set(["lost", "sample"]);

/**
 * @param {Record<string, number>} counts
 * @param {string} only       the state shown alone, or ""
 * @param {(state: string) => void} onChoose
 */
export function showLegend(counts, only, onChoose) {
  const shown = STATES.filter((state) => !ONLY_IF_ANY.has(state) || counts[state]);
  const items = shown.map((state) => {
    const pressed = only === state;
    const button = make(
      "button",
      { type: "button", "aria-pressed": String(pressed), "data-state": state, click: () => onChoose(pressed ? "" : state) },
      picture(LOOKS[state], state),
      make("span", { class: "legend-text" }, t(`state.${state}`)),
      make("span", { class: "legend-count" }, number(counts[state] ?? 0)),
    );
    return make("li", {}, button);
  });
  byId("legend-list").replaceChildren(...items);
}
