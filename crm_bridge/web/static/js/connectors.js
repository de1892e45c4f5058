// How other CRMs stand, kept up to date: a place with data-refresh="path" is asked for again every
// few seconds while it is seen. It is swapped only where it says something else, and never while
// the person is in it.
import * as timers from "./timers.js";

const EVERY = 5_000;

async function refresh(place) {
  if (document.hidden || place.contains(document.activeElement)) return;
  let html;
  try {
    const answer = await fetch(place.dataset.refresh, { credentials: "same-origin", redirect: "manual" });
    if (!answer.ok) return;
    html = await answer.text();
  } catch {
    return; // the next time tells
  }
  if (place.contains(document.activeElement) || html === place.dataset.shown) return;
  place.dataset.shown = html;
  place.innerHTML = html;
  timers.tick(place);
}

for (const place of document.querySelectorAll("[data-refresh]")) {
  setInterval(() => refresh(place), EVERY);
  document.addEventListener("visibilitychange", () => refresh(place));
  // what was pressed here has changed how it stands
  place.addEventListener("acted", () => {
    document.activeElement?.blur();
    refresh(place);
  });
}
