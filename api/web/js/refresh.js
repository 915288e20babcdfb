/** When to ask again: as long as the service's answers say they hold, sooner when its stream reports something new. */

const SHORTEST_S = 60;
const LONGEST_S = 300;
const SETTLE_MS = 3000;

/**
 * Calls `reload` again and again; it returns how many seconds its answers hold. A page that nobody looks at asks for nothing,
 * and asks at once when it is looked at again.
 * @param {() => Promise<number>} reload
 * @returns {{soon: () => void, now: () => void}}
 */
export function keepFresh(reload) {
  let timer = 0;
  let running = false;
  let again = false;
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
  const run = async () => {
    if (running || document.hidden) {
      again = running;
      return;
    }
    running = true;
    again = false;
    const holdsS = await reload().finally(() => { running = false; });
    later(again ? 0 : 1000 * Math.min(LONGEST_S, Math.max(SHORTEST_S, holdsS)));
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) later(0);
  });
  later(0);
  return { soon: () => later(SETTLE_MS), now: () => later(0) };
}

/** Listens to the stream where the service offers one; without it the page polls. @param {string | undefined} path */
export function listen(path, onNews) {
  if (!path || !("EventSource" in window)) return;
  const stream = new EventSource(path);
  for (const kind of ["message", "latest", "alert", "feed"]) stream.addEventListener(kind, onNews);
}
