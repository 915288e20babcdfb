/** When to ask again: as long as the service's answers say they hold, sooner when its stream reports something new. */

const SHORTEST_S = 20;
const LONGEST_S = 300;
const SETTLE_MS = 3000;

/**
 * Calls `reload` again and again; it returns how many seconds its answers hold.
 * @param {() => Promise<number>} reload
 * @returns {{soon: () => void, now: () => void}}
 */
export function keepFresh(reload) {
  let timer = 0;
  let running = false;
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
  const run = async () => {
    if (running) return;
    running = true;
    const holdsS = await reload().finally(() => { running = false; });
    later(1000 * Math.min(LONGEST_S, Math.max(SHORTEST_S, holdsS)));
  };
  run();
  return { soon: () => later(SETTLE_MS), now: () => later(0) };
}

/** Listens to the stream where the service offers one; without it the page polls. @param {string | undefined} path */
export function listen(path, onNews) {
  if (!path || !("EventSource" in window)) return;
  const stream = new EventSource(path);
  for (const kind of ["message", "latest", "alert", "feed"]) stream.addEventListener(kind, onNews);
}
