// The supervisors' floor: what the stream says is what stands here. Rows are swapped whole; the
// chosen officer's panel is asked for again whenever something there may be another than before.
import { call as request, Problem, toast, words } from "./act.js";
import { Stream } from "./stream.js";
import * as timers from "./timers.js";

const at = (id) => document.getElementById(id);
const rows = new Map(); // extension -> its row
let chosen = new URLSearchParams(location.search).get("officer");
let left = false; // who was chosen has gone: nobody is, until the person chooses

const shown = new WeakMap();
function swap(place, html) {
  if (shown.get(place) === html) return;
  // a field that is being filled in is the person's own
  if (place.contains(document.activeElement) && document.activeElement.matches("input") && document.activeElement.value) return;
  shown.set(place, html);
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.innerHTML = html;
  timers.tick(place);
  if (held) place.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

function row(extension) {
  let found = rows.get(extension);
  if (!found) {
    found = document.createElement("tr");
    found.dataset.officer = extension;
    found.tabIndex = -1;
    rows.set(extension, found);
  }
  return found;
}

function arrange(order) {
  for (const extension of [...rows.keys()]) {
    if (!order.includes(extension)) {
      rows.get(extension).remove();
      rows.delete(extension);
    }
  }
  order.forEach((extension, n) => {
    const found = row(extension);
    if (at("officers").children[n] !== found) at("officers").insertBefore(found, at("officers").children[n] ?? null);
  });
  at("nobody").hidden = order.length > 0;
  // never on to another officer by itself: a key pressed just then would act there
  if (chosen !== null && !rows.has(chosen)) {
    left = true;
    choose(null);
  } else if (chosen === null && !left) choose(order[0] ?? null);
  else mark();
}

function mark() {
  for (const [extension, found] of rows) {
    found.setAttribute("aria-selected", String(extension === chosen));
    found.tabIndex = extension === chosen ? 0 : -1;
  }
}

function choose(extension) {
  if (extension !== chosen) swap(at("panel"), ""); // its buttons are of the one before
  chosen = extension;
  mark();
  panel();
}

let asked = 0;
async function panel() {
  const mine = ++asked;
  if (chosen === null) {
    swap(at("panel"), "");
    return;
  }
  try {
    const answer = await fetch(`/floor/officers/${encodeURIComponent(chosen)}`, { credentials: "same-origin", redirect: "manual" });
    const html = answer.ok ? await answer.text() : "";
    // another was chosen, or asked for again, meanwhile
    if (mine === asked) swap(at("panel"), html);
  } catch {
    // the stream says that the connection is gone
  }
}

const stream = new Stream("/api/v1/supervision/floor", {
  kinds: ["state", "floor"],
  onEvent(kind, data) {
    if (data.now) timers.adjust(data.now);
    if (kind !== "state" && kind !== "floor") return;
    const changed = kind === "state" ? data.rows : Object.entries(data.rows);
    for (const [extension, html] of changed) swap(row(extension), html);
    arrange(kind === "state" ? data.rows.map(([extension]) => extension) : data.order);
    swap(at("queues"), data.queues);
    const before = shown.get(at("mine"));
    swap(at("mine"), data.mine);
    if (kind === "state" || before !== data.mine || changed.some(([extension]) => extension === chosen)) panel();
  },
  onLink(up) {
    at("cut").hidden = up;
    document.body.classList.toggle("cut-off", !up);
    const link = at("link");
    link.querySelector(".dot").className = `dot ${up ? "good" : "bad"}`;
    link.querySelector("[data-word]").textContent = up ? words("เชื่อมต่อแล้ว", "Connected") : words("ขาดการเชื่อมต่อ", "Connection lost");
  },
});

at("officers").addEventListener("click", (event) => {
  const found = event.target.closest("tr");
  if (found) choose(found.dataset.officer);
});
document.addEventListener("keydown", (event) => {
  if (!["ArrowUp", "ArrowDown"].includes(event.key) || event.altKey || event.ctrlKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  const order = [...at("officers").children].map((found) => found.dataset.officer);
  const next = order.indexOf(chosen) + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0 || next >= order.length) return;
  event.preventDefault();
  choose(order[next]);
  rows.get(chosen).focus();
});

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    const dialog = at(opener.dataset.open);
    // whom it is for is settled when it opens, whoever is chosen later
    dialog.dataset.officer = chosen ?? "";
    for (const place of dialog.querySelectorAll("[data-chosen]")) place.textContent = chosen ?? "";
    for (const field of dialog.querySelectorAll("[data-chosen-value]")) field.value = chosen ?? "";
    dialog.showModal();
    return;
  }
  const reason = event.target.closest("[data-reason]");
  if (!reason) return;
  const dialog = reason.closest("dialog");
  dialog.close();
  try {
    await request("POST", "/api/v1/supervision/pause", { extension: dialog.dataset.officer, reason: reason.dataset.reason });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message, "bad");
  }
});
document.addEventListener("acted", (event) => {
  const form = event.target.closest("form[data-message]");
  if (form) {
    form.reset();
    form.closest("dialog").close();
  }
  panel();
});
document.addEventListener("refused", () => panel());
stream.start();
