// The agent's page: what the stream says is what stands here. Panels of a call are swapped whole;
// forms are the person's own and are never touched while they stand.
import { call as request, Problem, toast, words } from "./act.js";
import { Stream } from "./stream.js";
import * as directory from "./transfer.js";
import * as timers from "./timers.js";
import * as works from "./work.js";

const at = (id) => document.getElementById(id);
const calls = new Map(); // id -> { stage, live, service, label, url, block, bar, card }
// from here on the officer has a part in the call, and so a record to write
const SPOKEN = new Set(["talking", "held", "consulting", "transferring", "wrapup"]);
const ORDER = { ringing: 0, wrapup: 2 };
let chosen = null; // the call the person looks at, where it is not the first

function rank(entry) {
  return ORDER[entry.stage] ?? 1;
}

function sorted() {
  // of the calls to be finished the one that ended last is the one in mind
  const place = new Map([...calls.keys()].map((id, n) => [id, n]));
  const later = (a, b) => (a[1].stage === "wrapup" ? place.get(b[0]) - place.get(a[0]) : place.get(a[0]) - place.get(b[0]));
  return [...calls.entries()].sort((a, b) => rank(a[1]) - rank(b[1]) || later(a, b));
}

function make(id) {
  const block = document.createElement("article");
  block.className = "call card";
  block.dataset.call = id;
  block.tabIndex = -1;
  block.addEventListener("click", (event) => {
    if (block.classList.contains("small-call") && !event.target.closest("button, a")) focusOn(id);
  });
  const bar = document.createElement("div");
  const card = document.createElement("div");
  bar.dataset.call = card.dataset.call = id;
  at("calls").append(block);
  at("bars").append(bar);
  at("cards").append(card);
  return { block, bar, card };
}

// Swaps a panel's content; the key pressed a moment ago still finds its button with the focus.
const shown = new WeakMap();
function swap(place, html) {
  if (shown.get(place) === html) return;
  shown.set(place, html);
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.innerHTML = html;
  timers.tick(place);
  if (held) (place.querySelector(`[data-key="${CSS.escape(held)}"]`) ?? place).focus();
}

function drop(id) {
  const entry = calls.get(id);
  if (!entry) return;
  calls.delete(id);
  entry.block.remove();
  entry.bar.remove();
  entry.card.remove();
  works.drop(id);
  directory.gone(id);
  if (chosen === id) chosen = null;
}

function take(told) {
  if (told.stage === "gone") {
    drop(told.id);
    return;
  }
  let entry = calls.get(told.id);
  const before = entry?.stage;
  if (!entry) {
    entry = make(told.id);
    calls.set(told.id, entry);
  }
  Object.assign(entry, { stage: told.stage, live: told.live, service: told.service, label: told.label, url: told.url });
  entry.block.dataset.stage = told.stage;
  swap(entry.block, told.html);
  swap(entry.bar, told.bar);
  if (told.card !== undefined) swap(entry.card, told.card);
  if (told.url) offer(entry, told);
  if (SPOKEN.has(told.stage)) works.keep(told.id, told.label, told.service);
  if (told.stage === "ringing" && before !== "ringing") rang(told);
  if (told.live && before !== undefined && before !== told.stage) chosen = null;
}

function arrange() {
  const list = sorted();
  const first = list.length ? list[0][0] : null;
  const front = calls.has(chosen) ? chosen : first;
  for (const [id, entry] of list) {
    const here = id === front;
    entry.block.classList.toggle("small-call", !here);
    entry.bar.hidden = !here;
    entry.card.hidden = !here;
  }
  const order = list.map(([, entry]) => entry.block);
  if (order.some((block, n) => at("calls").children[n] !== block)) at("calls").append(...order);
  works.show(front);
  const busy = list.length > 0;
  if (at("busy").hidden === busy) {
    at("busy").hidden = !busy;
    at("idle").hidden = busy;
    if (!busy) tasks();
  }
  document.title = title(list[0]?.[1]);
}

const plainTitle = document.title;
function title(entry) {
  if (!entry) return plainTitle;
  return entry.stage === "ringing" ? `☎ ${entry.label}` : `${entry.label} · 1203`;
}

function focusOn(id) {
  chosen = id;
  arrange();
  calls.get(id)?.block.focus();
}

// --- ringing: notification, address elsewhere --------------------------------------------------

const SEEN = "hotline-rung";

// Once a ring over all tabs and reloads of this browser.
function firstTime(what, id) {
  const key = `${SEEN}:${what}:${id}`;
  const now = Date.now();
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(SEEN) && now - Number(localStorage.getItem(name)) > 3_600_000) localStorage.removeItem(name);
    }
    if (localStorage.getItem(key)) return false;
    localStorage.setItem(key, String(now));
  } catch {
    // a browser that keeps nothing may say it twice
  }
  return true;
}

function rang(told) {
  if (at("notify").dataset.on && document.hidden && firstTime("notice", told.id)) {
    const body = told.notice || "";
    const note = new Notification(words("สายเรียกเข้า 1203", "1203: a call"), { body, tag: told.id, requireInteraction: false });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  }
  if (told.url && at("url-auto")?.checked && firstTime("url", told.id)) open_(told.url);
}

function open_(url) {
  // only where the configured template leads: never a script
  if (/^https?:\/\//.test(url)) window.open(url, "_blank", "noopener");
}

function offer(entry, told) {
  let link = entry.block.querySelector(".url-pop");
  if (!link) {
    link = document.createElement("a");
    link.className = "button small url-pop";
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = words("เปิดในระบบอื่น", "Open in the other system");
    entry.block.append(link);
  }
  if (/^https?:\/\//.test(told.url)) link.href = told.url;
}

function notifications() {
  const button = at("notify");
  if (!("Notification" in window)) return;
  const look = () => {
    button.hidden = Notification.permission !== "default";
    if (Notification.permission === "granted") button.dataset.on = "1";
  };
  button.addEventListener("click", async () => {
    await Notification.requestPermission();
    look();
  });
  look();
}

function urlPop() {
  const box = at("url-auto");
  if (!box) return;
  const key = `hotline-url-auto:${document.querySelector('meta[name="account"]')?.content ?? ""}`;
  box.checked = localStorage.getItem(key) === "1";
  box.addEventListener("change", () => localStorage.setItem(key, box.checked ? "1" : "0"));
}

// --- what waits ---------------------------------------------------------------------------------

let asking = false;
async function tasks() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch("/desk/tasks", { credentials: "same-origin", redirect: "manual" });
    if (answer.ok) swap(at("idle"), await answer.text());
  } catch {
    // the stream says that the connection is gone
  } finally {
    asking = false;
  }
}

// --- what a supervisor tells ---------------------------------------------------------------------

async function notices() {
  try {
    const answer = await fetch("/desk/notices", { credentials: "same-origin", redirect: "manual" });
    if (answer.ok) swap(at("notices"), await answer.text());
  } catch {
    // the stream says that the connection is gone
  }
}

// --- the stream ---------------------------------------------------------------------------------

const stream = new Stream("/api/v1/desk/stream", {
  onEvent(kind, data) {
    if (data.now) timers.adjust(data.now);
    if (kind === "state") {
      const there = new Set(data.calls.map((told) => told.id));
      for (const id of [...calls.keys()]) if (!there.has(id)) drop(id);
      for (const told of data.calls) take(told);
      swap(at("seat"), data.seat);
      arrange();
      tasks();
      notices();
    } else if (kind === "call") {
      take(data);
      arrange();
      if (data.stage === "gone") tasks();
    } else if (kind === "seat") swap(at("seat"), data.html);
    else if (kind === "notices") notices();
    else if (kind === "tasks" && at("busy").hidden) setTimeout(tasks, Math.random() * 1000); // not all desks at once
    if (data.at) performance.mark("desk-call", { detail: { at: data.at, stage: data.stage } });
  },
  onLink(up) {
    at("cut").hidden = up;
    document.body.classList.toggle("cut-off", !up);
    const link = at("link");
    link.querySelector(".dot").className = `dot ${up ? "good" : "bad"}`;
    link.querySelector("[data-word]").textContent = up ? words("เชื่อมต่อแล้ว", "Connected") : words("ขาดการเชื่อมต่อ", "Connection lost");
  },
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    if (opener.dataset.open === "directory") directory.open(opener.dataset.call);
    else at(opener.dataset.open)?.showModal();
    return;
  }
  const name = event.target.closest("[data-use-name]");
  if (name) works.useName(name.dataset.call, name.dataset.useName);
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});
at("keys-help").addEventListener("click", () => at("keys").showModal());
// a dialog is modal: its keys are not the page's
document.addEventListener("acted", (event) => {
  if (event.target.closest("#idle")) tasks();
});
// the record of a call is saved: it leaves the screen when the stream says so
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && at("busy").hidden) tasks();
});
setInterval(() => {
  if (!document.hidden && at("busy").hidden) tasks();
}, 60_000);

directory.install(async (path, body) => {
  try {
    await request("POST", path, body);
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message, "bad");
    return false;
  }
});
notifications();
urlPop();
stream.start();
