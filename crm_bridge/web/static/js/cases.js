// Pages of cases: the complainant's fields follow the choice made, lists of agencies are narrowed
// by typing, cases are chosen for a batch, and the form says to the call that it was opened.
import { call } from "./act.js";

function known(form) {
  const anonymous = form.elements.namedItem("identity")?.value === "anonymous";
  for (const part of form.querySelectorAll("[data-known]")) {
    part.classList.toggle("off", anonymous);
    for (const input of part.querySelectorAll("input, select")) input.disabled = anonymous;
  }
}

export function prepare(form) {
  if (form.dataset.prepared !== undefined) return;
  form.dataset.prepared = "";
  form.addEventListener("change", (event) => {
    if (event.target.name === "identity") known(form);
  });
  form.addEventListener("restored", () => known(form));
  known(form);
  // a second complaint of the same call begins with a form of its own: the mark stands once
  const id = form.dataset.call;
  if (id) {
    call("POST", `/api/v1/calls/${encodeURIComponent(id)}/marks`, { mark: "form_opened" }).catch(() => {});
  }
}

function narrow(input) {
  const words = input.value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const box = input.closest("form").querySelector(`[data-choices="${input.dataset.filter}"]`);
  for (const label of box.querySelectorAll("label")) {
    const text = label.textContent.toLocaleLowerCase();
    label.hidden = !label.querySelector("input").checked && !words.every((word) => text.includes(word));
  }
}

function count() {
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = document.querySelectorAll(`input[name="${place.dataset.count}"]:checked`).length;
  }
}

document.querySelectorAll("form.complaint").forEach(prepare);
document.addEventListener("input", (event) => {
  if (event.target.dataset?.filter) narrow(event.target);
});
document.addEventListener("keydown", (event) => {
  // Enter in the search of agencies chooses the only one left, and never sends the form
  if (event.key !== "Enter" || !event.target.dataset?.filter) return;
  event.preventDefault();
  const box = event.target.closest("form").querySelector(`[data-choices="${event.target.dataset.filter}"]`);
  const left = [...box.querySelectorAll("label:not([hidden]) input:not(:checked)")];
  if (left.length === 1) {
    left[0].checked = true;
    event.target.value = "";
    narrow(event.target);
  }
});
document.addEventListener("change", (event) => {
  const all = event.target.dataset?.all;
  if (all) {
    for (const box of document.querySelectorAll(`input[name="${all}"]`)) box.checked = event.target.checked;
  }
  count();
});
count();
