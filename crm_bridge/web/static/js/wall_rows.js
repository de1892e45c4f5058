// Rows of a wall, each with its key: an element is made once, kept while its row is there, and only
// the cells that are another than before are touched. In a row's template:
//   data-cell="name"    the cell as text
//   data-clock="name"   the time since that moment (ms), counted by the page
//   data-bar            grows with that time up to the row's standard
//   dress(element, row) anything else a row of this list shows, when the row is another
//   tone(row, seconds)  "over", "late", "near" or "": how long is too long, at each tick
import { now, span } from "./timers.js";

export function set(element, text) {
  const said = text === undefined || text === null ? "" : String(text);
  if (element.textContent !== said) element.textContent = said;
}

export function mark(element, name, value) {
  const said = value === undefined || value === null ? "" : String(value);
  if (element.dataset[name] !== said) element.dataset[name] = said;
}

export class Rows {
  constructor(place, template, { dress = () => {}, tone = () => "" } = {}) {
    this.place = place;
    this.template = template;
    this.dress = dress;
    this.tone = tone;
    this.held = new Map(); // key → { element, row, cells, clocks }
    this.order = [];
  }

  take(section) {
    for (const [key, row] of Object.entries(section.set)) this.put(key, row);
    if (section.order) this.arrange(section.order);
    return Boolean(section.order);
  }

  put(key, row) {
    let entry = this.held.get(key);
    if (!entry) {
      const element = this.template.content.firstElementChild.cloneNode(true);
      entry = {
        element,
        cells: [...element.querySelectorAll("[data-cell]")],
        clocks: [...element.querySelectorAll("[data-clock]")],
        bar: element.querySelector("[data-bar]"),
        grown: -1,
      };
      this.held.set(key, entry);
    }
    entry.row = row;
    for (const cell of entry.cells) set(cell, row[cell.dataset.cell]);
    this.dress(entry.element, row);
    this.run(entry, now());
  }

  arrange(order) {
    const kept = new Set(order);
    for (const [key, { element }] of this.held) {
      if (kept.has(key)) continue;
      element.remove();
      this.held.delete(key);
    }
    this.order = order.filter((key) => this.held.has(key));
    // from the end: a row that stands before the right one is not moved
    let next = null;
    for (let at = this.order.length - 1; at >= 0; at -= 1) {
      const { element } = this.held.get(this.order[at]);
      if (element.parentNode !== this.place || element.nextElementSibling !== next) {
        this.place.insertBefore(element, next);
      }
      next = element;
    }
  }

  run(entry, at) {
    for (const clock of entry.clocks) {
      const since = entry.row[clock.dataset.clock];
      set(clock, since === undefined ? "–" : span((at - since) / 1000));
    }
    const { since, standard } = entry.row;
    const seconds = since === undefined ? 0 : (at - since) / 1000;
    mark(entry.element, "tone", since === undefined ? "" : this.tone(entry.row, seconds));
    if (!entry.bar) return;
    const grown = standard ? Math.min(100, Math.floor((100 * seconds) / standard)) : 0;
    if (grown !== entry.grown) entry.bar.style.width = `${grown}%`;
    entry.grown = grown;
  }

  tick(at) {
    for (const entry of this.held.values()) this.run(entry, at);
  }

  get(key) {
    return this.held.get(key)?.row;
  }

  first() {
    return this.order.length ? this.get(this.order[0]) : undefined;
  }

  count(tone) {
    let found = 0;
    for (const { element } of this.held.values()) if (element.dataset.tone === tone) found += 1;
    return found;
  }

  // Hides what does not fit, the end of the list first; how many are seen.
  fit() {
    const one = this.order.length ? this.held.get(this.order[0]).element : null;
    if (!one) return 0;
    one.classList.remove("spill");
    const style = getComputedStyle(this.place);
    const gap = Number.parseFloat(style.rowGap) || 0;
    const across = style.display === "grid" ? style.gridTemplateColumns.split(" ").length : 1;
    const room = this.place.clientHeight - Number.parseFloat(style.paddingTop);
    const down = Math.floor((room + gap + 1) / (one.offsetHeight + gap));
    const most = Math.max(1, down) * across;
    this.order.forEach((key, at) => {
      const { element } = this.held.get(key);
      const spills = at >= most;
      if (element.classList.contains("spill") !== spills) element.classList.toggle("spill", spills);
    });
    return Math.min(most, this.order.length);
  }
}
