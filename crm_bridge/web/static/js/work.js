// The work of a call: its record, a complaint, an appointment, the guide. Each call has its own
// forms; they are fetched once, and then they are the person's: nothing but the person's own act, or
// the end of the work, takes them away.
import { toast, words } from "./act.js";
import * as cases from "./cases.js";
import * as drafts from "./draft.js";
import { put } from "./suggest.js";

const FORMS = {
  wrapup: (id) => `/calls/${encodeURIComponent(id)}/wrapup-form`,
  complaint: (id) => `/cases/form?call=${encodeURIComponent(id)}`,
  appointment: (id) => `/appointments/new?call=${encodeURIComponent(id)}`,
};
const works = new Map(); // call id -> { place, service }
let front = null;

// Puts a page's form into a panel: its main part, its styles and its modules.
async function fill(panel, path) {
  panel.dataset.state = "loading";
  panel.textContent = words("กำลังเปิดแบบฟอร์ม…", "Opening the form…");
  let text;
  try {
    const answer = await fetch(path, { credentials: "same-origin", headers: { "X-Fragment": "1" } });
    if (!answer.ok) throw new Error(String(answer.status));
    text = await answer.text();
  } catch {
    panel.dataset.state = "";
    panel.replaceChildren(again(panel, path));
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const sheet of page.querySelectorAll('link[rel="stylesheet"]')) {
    const href = sheet.getAttribute("href");
    if (href?.startsWith("/static/") && !document.querySelector(`link[href="${CSS.escape(href)}"]`)) document.head.append(sheet.cloneNode());
  }
  const sources = [...page.querySelectorAll('script[type="module"][src^="/static/js/"]')].map((script) => script.getAttribute("src"));
  const main = page.querySelector("main") ?? page.body;
  panel.replaceChildren(...[...main.childNodes].map((node) => document.importNode(node, true)));
  // what comes after the act is said here, without leaving the call
  for (const form of panel.querySelectorAll("form[data-then]")) delete form.dataset.then;
  panel.dataset.state = "ready";
  await Promise.all(sources.map((source) => import(source)));
  for (const form of panel.querySelectorAll("form.complaint")) cases.prepare(form);
  serviceOf(panel);
  drafts.install(panel);
}

// The line knows the call's service before the disk does; what was saved or drafted stands.
function serviceOf(panel) {
  const select = panel.querySelector("form.wrapup:not([data-etag]) [name=service]");
  const service = works.get(panel.closest(".work").dataset.call)?.service;
  if (!select || panel.querySelector("[data-draft-state]")?.textContent.trim()) return;
  if ([...select.options].some((option) => option.value === service)) select.value = service;
}

function again(panel, path) {
  const note = document.createElement("p");
  note.className = "problem";
  note.textContent = words("เปิดแบบฟอร์มไม่ได้ ", "The form could not be opened. ");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words("ลองใหม่", "Try again");
  button.addEventListener("click", () => fill(panel, path));
  note.append(button);
  return note;
}

function choose(id, name, { focus = true } = {}) {
  const work = works.get(id);
  if (!work) return;
  for (const tab of work.place.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
    tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
  }
  for (const panel of work.place.querySelectorAll("[role=tabpanel]")) panel.hidden = panel.dataset.panel !== name;
  const panel = work.place.querySelector(`[data-panel="${name}"]`);
  const ready = panel.dataset.state || !FORMS[name] ? Promise.resolve() : fill(panel, FORMS[name](id));
  if (focus) ready.then(() => panel.querySelector("input:not([type=hidden]), select, textarea")?.focus());
  return ready;
}

// The name that another system knows the caller by, into the complaint of this call.
export async function useName(id, name) {
  await choose(id, "complaint", { focus: false });
  const form = works.get(id)?.place.querySelector("form.complaint:not([data-etag])");
  if (form && !put(form, "complainant_name", name)) toast(words("ผู้ร้องเรียนไม่ประสงค์ให้ชื่อ", "The complainant gives no name"), "bad");
}

// A form that was sent makes room for what came of it; the record of a call stays to be corrected.
function done(panel, answer) {
  const name = panel.dataset.panel;
  if (name === "wrapup") return;
  const note = document.createElement("div");
  note.className = "note sent";
  const link = document.createElement("a");
  const number = answer?.ticket ?? answer?.ref ?? "";
  link.href = `${name === "complaint" ? "/cases/" : "/appointments/"}${encodeURIComponent(number)}`;
  link.target = "_blank";
  link.rel = "noopener";
  link.className = "ticket num";
  link.textContent = number;
  const more = document.createElement("button");
  more.type = "button";
  more.textContent = words("เปิดแบบฟอร์มใหม่", "Another form");
  more.addEventListener("click", () => {
    const id = panel.closest(".work").dataset.call;
    fill(panel, FORMS[name](id));
  });
  note.append(words("บันทึกแล้ว เลขที่ ", "Saved as "), link, " ", more);
  panel.replaceChildren(note);
  note.scrollIntoView({ block: "nearest" });
}

export function keep(id, label, service) {
  if (works.has(id)) return;
  const place = document.getElementById("work-template").content.firstElementChild.cloneNode(true);
  place.dataset.call = id;
  place.hidden = true;
  for (const panel of place.querySelectorAll("[role=tabpanel]")) panel.setAttribute("aria-label", label);
  place.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(id, tab.dataset.tab);
  });
  place.addEventListener("acted", (event) => {
    const panel = event.target.closest("[role=tabpanel]");
    if (panel && event.target.matches("form.complaint:not([data-etag]), form[data-act$='/appointments']")) done(panel, event.detail);
  });
  place.addEventListener("keydown", (event) => {
    if (!event.target.matches("[role=tab]") || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const tabs = [...place.querySelectorAll("[role=tab]")];
    const next = tabs[(tabs.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length];
    next.focus();
    choose(id, next.dataset.tab, { focus: false });
  });
  document.getElementById("works").append(place);
  works.set(id, { place, service });
  choose(id, service === "market_information" ? "guide" : "wrapup", { focus: false });
}

export function show(id) {
  front = id;
  for (const [name, work] of works) work.place.hidden = name !== front;
}

export function drop(id) {
  works.get(id)?.place.remove();
  works.delete(id);
}
