// The wallboard: what the stream says, put into the page cell by cell; clocks run here, on the
// server's time. While the stream is silent they stand still, and the page says since when.
import { Stream } from "./stream.js";
import { adjust, now, span } from "./timers.js";
import { Rows, mark, set } from "./wall_rows.js";

const page = document.body;
const byId = (id) => document.getElementById(id);
const said = byId("words").dataset;
const english = document.documentElement.lang === "en";
const SILENCE = 12_000; // ms; the server speaks every five seconds
const OLD = 90_000; // ms after which figures are called old

const OFFICE = { timeZone: "Asia/Bangkok" };
const clockText = new Intl.DateTimeFormat("en-GB", { ...OFFICE, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const timeText = new Intl.DateTimeFormat("en-GB", { ...OFFICE, hour: "2-digit", minute: "2-digit" });
const dayText = new Intl.DateTimeFormat(english ? "en-GB" : "th-TH-u-ca-buddhist", { ...OFFICE, weekday: "long", day: "numeric", month: "short", year: "numeric" });

function fill(text, values) {
  return text.replace(/\{(\w)\}/g, (_, name) => values[name]);
}

// Never rounded up: what is just under its aim must not read as if it were reached.
function percent(share) {
  return share === undefined ? "–" : `${Math.floor(share * 1000 + 1e-6) / 10}%`;
}

function aim(target) {
  return target === undefined ? "–" : String(Math.round(target * 1000) / 10);
}

function against(seconds, standard) {
  if (!standard) return "";
  if (seconds > standard) return "over";
  return seconds >= 0.8 * standard ? "near" : "";
}

const waitTone = (row, seconds) => {
  if (row.standard && seconds > row.standard) return "over";
  return row.target && seconds > row.target ? "late" : "";
};

function list(name, how) {
  return new Rows(document.querySelector(`[data-list="${name}"]`), byId(`row-${name}`), how);
}

const lists = {
  queues: list("queues", {
    dress(element, row) {
      set(element.querySelector("[data-level]"), percent(row.level));
      set(element.querySelector("[data-level-of]"), row.of ? `/${row.of}` : "");
      mark(element, "level", row.level === undefined ? "" : row.level < row.target ? "under" : "kept");
      mark(element, "some", row.waiting ? "yes" : "");
    },
    tone: (row, seconds) => (row.seconds && seconds > row.seconds ? "late" : ""),
  }),
  waiting: list("waiting", {
    dress: (element, row) => mark(element, "ringing", row.ringing ? "yes" : ""),
    tone: waitTone,
  }),
  calls: list("calls", {
    dress(element, row) {
      set(element.querySelector("[data-standard]"), row.standard ? `/ ${span(row.standard)}` : "");
      mark(element, "timed", row.standard ? "yes" : "");
      mark(element, "gap", row.gap ? "yes" : "");
    },
    tone: (row, seconds) => against(seconds, row.standard),
  }),
  agents: list("agents", {
    dress: (element, row) => mark(element, "state", row.state),
    tone: (row, seconds) => against(seconds, row.standard),
  }),
  nodes: list("nodes", { dress: (element, row) => mark(element, "good", row.up ? "yes" : "no") }),
  alerts: list("alerts", { dress: (element, row) => mark(element, "level", row.level) }),
};

const facts = { totals: {}, today: {}, health: {}, kept: {} };
const cells = [...document.querySelectorAll("[data-of]")].filter((cell) => cell.id !== "words");

function tellFacts() {
  for (const cell of cells) {
    const [section, key, name] = cell.dataset.of.split(":");
    const value = facts[section][key]?.[name];
    set(cell, value === undefined ? "–" : value);
  }
  const { figures = {}, cases = {} } = facts.today;
  set(byId("level"), percent(figures.level));
  set(byId("level-of"), figures.of ? fill(said.of, { n: figures.of, t: aim(figures.target) }) : said.none);
  set(
    byId("flowed"),
    (figures.flowed ? fill(said.flowed, { n: figures.flowed }) : "") +
      (figures.unknown ? fill(said.unknown, { n: figures.unknown }) : ""),
  );
  tile("level", figures.level !== undefined && figures.level < figures.target ? "over" : "");
  tile("cases", cases.overdue ? "over" : "");
  const { ready = 0, agents = 0, waiting = 0 } = facts.totals.now ?? {};
  tile("ready", ready ? "" : waiting ? "over" : agents ? "late" : "");
  tellHealth(facts.health.bridge ?? {});
}

function tile(name, tone) {
  mark(document.querySelector(`[data-tile="${name}"]`), "tone", tone);
}

function tellHealth(bridge) {
  mark(byId("saving"), "good", bridge.saving === undefined ? "" : bridge.saving ? "yes" : "no");
  const found = [["cuts", said.cuts], ["gaps", said.gaps], ["failed", said.failures], ["refused", said.refused]]
    .filter(([name]) => bridge[name])
    .map(([name, text]) => fill(text, { n: bridge[name] }));
  const since = bridge.started ? fill(said.started, { t: `${dayOf(bridge.started)}${timeText.format(bridge.started)}` }) : "";
  set(byId("missed"), bridge.started ? `${found.length ? `⚠ ${found.join(" · ")}` : said.whole} (${since})` : "");
  mark(byId("missed"), "good", found.length ? "no" : "yes");
  const deaf = [...lists.nodes.held.values()].filter(({ row }) => !row.up).map(({ row }) => row.name);
  set(byId("cut-nodes"), deaf.join(", "));
  byId("cut").hidden = deaf.length === 0;
}

const shortDay = new Intl.DateTimeFormat(english ? "en-GB" : "th-TH-u-ca-buddhist", { ...OFFICE, day: "numeric", month: "short" });

function dayOf(moment) {
  const day = shortDay.format(moment);
  return day === shortDay.format(now()) ? "" : `${day} `;
}

function tellFigures(at) {
  const figures = facts.today.figures ?? {};
  let text = "";
  if (figures.state === "reading") text = said.reading;
  else if (figures.state === "failed" || (figures.at && at - figures.at > OLD)) {
    text = fill(said.failed, { t: figures.at ? timeText.format(figures.at) : "–" });
  } else if (figures.whole === false) text = said.part;
  else if (figures.at) text = fill(said.asof, { t: timeText.format(figures.at) });
  set(byId("figures-note"), text);
  mark(byId("figures-note"), "tone", text.startsWith("⚠") ? "over" : "");
}

// --- time -----------------------------------------------------------------------------------

let frozen = null; // the server's time at which the stream fell silent

function tick() {
  const at = frozen ?? now();
  set(byId("clock"), clockText.format(now()));
  set(byId("day"), dayText.format(now()));
  for (const rows of Object.values(lists)) rows.tick(at);
  tellNow(at);
}

function tellNow(at) {
  const longest = lists.waiting.first();
  const waited = longest ? (at - longest.since) / 1000 : 0;
  set(byId("longest"), longest ? span(waited) : "–");
  set(byId("longest-queue"), longest?.queue);
  tile("longest", longest ? waitTone(longest, waited) : "");
  tellKept(at);
  const over = lists.calls.count("over");
  set(byId("over"), over ? fill(said.over, { n: over }) : "");
  tellFigures(at);
}

// Callers who keep their places; where no place can be kept there is no such tile.
function tellKept(at) {
  const place = byId("kept-longest");
  if (!place) return;
  const { state, waiting, since, at: asOf } = facts.kept.now ?? {};
  let text = said.reading;
  if (state === "failed") text = fill(said.unread, { t: asOf ? timeText.format(asOf) : "–" });
  else if (waiting !== undefined) text = since ? fill(said.kept, { t: span((at - since) / 1000) }) : said.nobody;
  set(place, text);
  tile("kept", state === "failed" ? "late" : "");
}

// --- what fits ------------------------------------------------------------------------------

let fitting = false;

function fitSoon() {
  if (fitting) return;
  fitting = true;
  requestAnimationFrame(() => {
    fitting = false;
    for (const name of ["waiting", "calls", "agents"]) {
      const seen = lists[name].fit();
      const more = (facts.totals.now?.[name] ?? 0) - seen;
      set(document.querySelector(`[data-more="${name}"]`), more > 0 ? fill(said.more, { n: more }) : "");
    }
  });
}

new ResizeObserver(fitSoon).observe(document.querySelector(".panels"));
document.fonts.ready.then(fitSoon);

// --- the stream -----------------------------------------------------------------------------

const stream = new Stream(page.dataset.stream, {
  kinds: ["state", "change"],
  silence: SILENCE,
  onEvent(kind, data) {
    if (kind === "now") {
      adjust(data.now);
      return;
    }
    let moved = false;
    for (const [name, section] of Object.entries(data.sections)) {
      if (lists[name]) moved = lists[name].take(section) || moved;
      else facts[name] = kind === "state" ? section.set : { ...facts[name], ...section.set };
    }
    tellFacts();
    tellNow(frozen ?? now());
    if (moved) fitSoon();
  },
  onLink(up) {
    page.dataset.link = up ? "up" : "lost";
    if (!up && frozen === null) frozen = now();
    if (up) frozen = null;
    set(byId("stale-at"), up ? "" : clockText.format(frozen));
    byId("stale").hidden = up;
    tick();
    fitSoon();
  },
  onEnded() {
    if (!page.dataset.stream.includes("/screen/")) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    page.dataset.link = "ended";
    byId("withdrawn").hidden = false;
    fitSoon();
  },
});
stream.start();
tick();
setInterval(tick, 500);

// --- the screen -----------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");

byId("theme").addEventListener("click", () => {
  const shown = document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  const wanted = shown === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = wanted;
  const address = new URL(location.href);
  address.searchParams.set("theme", wanted);
  history.replaceState(null, "", address);
  const other = document.querySelector("[data-keep=lang]");
  const query = new URLSearchParams(other.getAttribute("href"));
  query.set("theme", wanted);
  other.setAttribute("href", `?${query}`);
});

byId("whole-screen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});

// a television must not fall asleep over it; where the browser does not allow it, it may
async function stayAwake() {
  try {
    if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen");
  } catch {
    // refused: the system's own settings decide
  }
}
document.addEventListener("visibilitychange", stayAwake);
stayAwake();

let idle = 0;
function stirred() {
  page.classList.remove("idle");
  clearTimeout(idle);
  idle = setTimeout(() => page.classList.add("idle"), 6_000);
}
for (const kind of ["pointermove", "keydown", "touchstart"]) addEventListener(kind, stirred, { passive: true });
stirred();
