// Alerts on every page of those who oversee: how many there are to which nobody sees, and what rises.
// One tab of the browser holds the stream (a lock of the browser passes it on); the others hear of it
// from that one. What rises is a note on the page that is looked at; where none is, the one tab shows
// the system's own notification, if the person has allowed it on /alerts.
import { toast, words } from "./act.js";

const SIGNS = { critical: "■", warning: "▲", notice: "●" };
const SEEN_WITHIN = 400; // ms in which a page that is looked at says so
const POLL = 30_000; // ms between questions where the browser has no locks (no TLS)
const channel = new BroadcastChannel("hotline-alerts");
const seen = new Set();
let heard = null; // the id of the newest event any tab has heard of: who takes the stream over begins there

function count({ count: many, level }) {
  const link = document.querySelector("[data-alerts]");
  if (!link) return;
  link.hidden = many === 0;
  link.dataset.level = level ?? "";
  link.querySelector("[aria-hidden]").textContent = SIGNS[level] ?? "";
  link.querySelector(".bell-count").textContent = many > 99 ? "99+" : String(many);
}

const says = (alert) => words(alert.th, alert.en);

// A note on this page, if it is looked at.
function note(told) {
  if (document.hidden) return false;
  for (const alert of told.alerts.slice(0, 3)) toast(`${SIGNS[alert.level]} ${says(alert)}`, alert.level === "notice" ? "info" : "bad");
  const more = told.alerts.length - 3;
  if (more > 0) toast(words(`และอีก ${more} รายการ`, `and ${more} more`), "info");
  return true;
}

function notify(told) {
  if (!("Notification" in window) || Notification.permission !== "granted" || localStorage.getItem("alerts-notify") !== "on") return;
  const [first] = told.alerts;
  const many = told.alerts.length;
  const title = many > 1 ? words(`1203: ${many} เหตุที่ต้องดูแล`, `1203: ${many} alerts`) : `1203: ${says(first)}`;
  const body = many > 1 ? told.alerts.slice(0, 5).map((alert) => `${SIGNS[alert.level]} ${says(alert)}`).join("\n") : words("กดเพื่อเปิดหน้าเฝ้าระวัง", "Press to open the page of alerts");
  const shown = new Notification(title, { body, tag: `hotline-alert-${first.id}`, icon: "/static/icon.svg", lang: document.documentElement.lang });
  shown.onclick = () => {
    window.focus();
    location.assign("/alerts");
  };
}

channel.onmessage = ({ data }) => {
  if (data.id && data.kind !== "seen") heard = data.id;
  if (data.kind === "count") count(data.told);
  else if (data.kind === "told" && note(data.told)) channel.postMessage({ kind: "seen", id: data.id });
  else if (data.kind === "seen") seen.add(data.id);
};

const AGAIN = 5_000; // ms at the most until a stream that could not be opened is asked for again
let last = null; // how many there are, in the tab that holds the stream

// This tab holds the stream, until it is closed or the session is over.
function lead(over) {
  const source = new EventSource(`/api/v1/alerts/stream${heard ? `?last=${encodeURIComponent(heard)}` : ""}`);
  source.addEventListener("count", (event) => {
    last = { kind: "count", told: JSON.parse(event.data), id: event.lastEventId };
    if (last.id) heard = last.id;
    count(last.told);
    channel.postMessage(last);
  });
  source.addEventListener("told", (event) => {
    const told = JSON.parse(event.data);
    const id = event.lastEventId;
    if (id) heard = id;
    channel.postMessage({ kind: "told", told, id });
    if (note(told)) return;
    setTimeout(() => {
      if (!seen.delete(id)) notify(told);
    }, SEEN_WITHIN);
  });
  source.addEventListener("ended", () => {
    source.close();
    last = null;
    over();
  });
  // an answer that is no stream (a proxy's 502 while the bridge starts) ends it for good
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => lead(over), AGAIN * (0.5 + Math.random() / 2));
  };
}

// A tab that has just been opened asks how many there are.
channel.addEventListener("message", ({ data }) => {
  if (data.kind === "ask" && last) channel.postMessage(last);
});

async function poll() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/api/v1/alerts", { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) return;
    const open = (await answer.json()).filter((alert) => !alert.acknowledged && !(alert.snoozed && new Date(alert.snoozed) > new Date()));
    const gravest = ["critical", "warning", "notice"].find((level) => open.some((alert) => alert.level === level));
    count({ count: open.length, level: gravest ?? null });
  } catch {
    // the next time asks again
  }
}

if (navigator.locks) {
  navigator.locks.request("hotline-alerts", () => new Promise(lead)); // held until it is over
  channel.postMessage({ kind: "ask" });
} else {
  poll();
  setInterval(poll, POLL);
}

// The button on /alerts: only a press of the person may ask for the permission.
const button = document.getElementById("alerts-notify");
if (button) {
  const state = document.getElementById("alerts-notify-state");
  const show = () => {
    const able = "Notification" in window && navigator.locks;
    const on = able && Notification.permission === "granted" && localStorage.getItem("alerts-notify") === "on";
    button.hidden = !able || Notification.permission === "denied";
    button.textContent = on ? words("ปิดการแจ้งเตือนบนเครื่องนี้", "Do not notify me on this computer") : words("เปิดการแจ้งเตือนบนเครื่องนี้", "Notify me on this computer");
    if (!able) state.textContent = words("เบราว์เซอร์นี้แจ้งเตือนไม่ได้ (ต้องใช้ https)", "This browser cannot notify (it needs https)");
    else if (Notification.permission === "denied") state.textContent = words("เบราว์เซอร์ปิดกั้นการแจ้งเตือนของหน้านี้", "The browser blocks notifications of this page");
    else state.textContent = on ? words("✓ แจ้งเตือนเมื่อไม่ได้ดูหน้านี้อยู่", "✓ notified while no page of the desk is looked at") : "";
  };
  button.addEventListener("click", async () => {
    const on = Notification.permission === "granted" && localStorage.getItem("alerts-notify") === "on";
    localStorage.setItem("alerts-notify", on ? "off" : "on");
    if (!on) await Notification.requestPermission();
    show();
  });
  show();
}
