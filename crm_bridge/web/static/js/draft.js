// Drafts: a form with data-draft="KEY" is kept as it is typed, so that closing the browser loses
// nothing. With data-draft-load the kept draft is put back into the form's empty fields first (a
// page that is made with its draft needs it not). [data-draft-state] in the form says when it was
// kept. What is saved ("acted") drops the draft; the server's own act does it where it knows how.
// select[data-subjects] offers the headings of the chosen service first.

import { call, fields, words } from "./act.js";

const PAUSE = 700;

function clock() {
  return new Date().toLocaleTimeString("en-GB", { timeZone: "Asia/Bangkok" });
}

export function attach(form) {
  if (form.dataset.draftAttached !== undefined) return;
  form.dataset.draftAttached = "";
  const path = `/api/v1/drafts/${encodeURIComponent(form.dataset.draft)}`;
  const state = form.querySelector("[data-draft-state]");
  let timer = 0;
  let dirty = false;
  let saved = false;

  async function keep({ keepalive = false } = {}) {
    clearTimeout(timer);
    if (!dirty || saved) return;
    dirty = false;
    const body = fields(form);
    if (keepalive) {
      const token = document.querySelector('meta[name="csrf"]')?.content ?? "";
      const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
      fetch(path, { method: "PUT", headers, body: JSON.stringify(body), keepalive: true });
      return;
    }
    try {
      await call("PUT", path, body);
      if (state && !saved) state.textContent = `${words("เก็บร่างแล้ว", "Draft kept")} ${clock()}`;
    } catch (error) {
      dirty = true;
      if (state) state.textContent = words("ยังเก็บร่างไม่ได้ จะลองอีกครั้ง", "The draft is not kept yet; trying again");
      if (!error.problem?.status || error.problem.status >= 500) timer = setTimeout(keep, 5000);
    }
  }

  form.addEventListener("input", () => {
    dirty = true;
    saved = false;
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  });
  form.addEventListener("acted", () => {
    saved = true;
    dirty = false;
    clearTimeout(timer);
    if (form.dataset.draftLoad !== undefined) call("DELETE", path).catch(() => {});
    if (state) state.textContent = `${words("บันทึกแล้ว", "Saved")} ${clock()}`;
  });
  // a hidden page may be the last that is seen of it
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") keep({ keepalive: true });
  });
  window.addEventListener("pagehide", () => keep({ keepalive: true }));

  if (form.dataset.draftLoad !== undefined) load(form, path, state);
  for (const select of form.querySelectorAll("select[data-subjects]")) order(form, select);
}

async function load(form, path, state) {
  let draft;
  try {
    draft = (await call("GET", path)).answer;
  } catch {
    return;
  }
  for (const [name, value] of Object.entries(draft.body)) {
    const found = form.elements.namedItem(name);
    const inputs = found instanceof RadioNodeList ? [...found] : found ? [found] : [];
    for (const input of inputs) {
      if (input.type === "file" || input.type === "hidden") continue;
      if (input.type === "checkbox") {
        input.checked = Array.isArray(value) ? value.includes(input.value) : value === true;
      } else if (input.type === "radio") input.checked = input.value === value;
      else if (!input.value && value !== null) input.value = Array.isArray(value) ? value.join("\n") : String(value);
    }
  }
  if (state) state.textContent = words("นำร่างที่เก็บไว้กลับมาแล้ว", "The kept draft is back");
  form.dispatchEvent(new CustomEvent("restored", { bubbles: true }));
}

function order(form, select) {
  const service = form.elements.namedItem("service");
  const groups = [...select.querySelectorAll("optgroup")];
  const sort = () => {
    const own = (group) => (group.dataset.service === service?.value ? 0 : group.dataset.service === "" ? 1 : 2);
    const sorted = groups.map((group, n) => [own(group), n, group]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const value = select.value;
    for (const [, , group] of sorted) select.append(group);
    select.value = value;
  };
  service?.addEventListener("change", sort);
  sort();
}

export function install(root = document) {
  for (const form of root.querySelectorAll("form[data-draft]")) attach(form);
}

install();
