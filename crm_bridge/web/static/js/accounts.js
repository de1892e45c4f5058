// Accounts: which fields a role has, and secrets that are shown once.
//   select[data-role-choice]      the role; fields in [data-roles="a b"] stand for these roles only
//   data-secret="ID" on an act    its answer is shown in #ID: [data-field=name] a value,
//                                 [data-link="/x/{id}"] a way, [data-if=name] only where there is one
import { toast, words } from "./act.js";

function fit(select) {
  for (const part of select.form.querySelectorAll("[data-roles]")) {
    const stands = part.dataset.roles.split(" ").includes(select.value);
    part.hidden = !stands;
    for (const input of part.querySelectorAll("input, select")) input.disabled = !stands;
  }
}

for (const select of document.querySelectorAll("select[data-role-choice]")) {
  fit(select);
  select.addEventListener("change", () => fit(select));
}

document.addEventListener("acted", (event) => {
  const place = document.getElementById(event.target.dataset.secret ?? "");
  if (!place) return;
  const answer = event.detail ?? {};
  for (const spot of place.querySelectorAll("[data-field]")) spot.textContent = answer[spot.dataset.field] ?? "";
  for (const link of place.querySelectorAll("[data-link]")) {
    link.href = link.dataset.link.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name] ?? ""));
  }
  for (const part of place.querySelectorAll("[data-if]")) part.hidden = !answer[part.dataset.if];
  place.hidden = false;
  place.focus();
  if (event.target.tagName === "FORM") {
    event.target.reset();
    for (const select of event.target.querySelectorAll("select[data-role-choice]")) fit(select);
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const output = button.parentElement.querySelector("output");
  try {
    await navigator.clipboard.writeText(output.textContent);
    toast(words("คัดลอกแล้ว", "Copied"), "good");
  } catch {
    getSelection().selectAllChildren(output); // no clipboard without TLS: marked for Ctrl+C
  }
});
