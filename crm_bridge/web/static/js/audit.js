// The audit log: whether it is whole, told below the button.
import { csrf, fields, toast, words } from "./act.js";

const told = document.getElementById("verified");
for (const form of document.querySelectorAll("form[data-verify]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    told.className = "soft";
    told.textContent = told.dataset.wait;
    const answer = await fetch("/api/v1/audit/verify", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
      body: JSON.stringify(fields(form)),
    }).catch(() => null);
    const found = await answer?.json().catch(() => null);
    if (!answer?.ok) {
      told.textContent = "";
      toast(found?.detail ?? words("ตรวจไม่สำเร็จ", "The log could not be read"), "bad");
      return;
    }
    const count = `${found.checked.toLocaleString()} ${told.dataset.rows}`;
    told.className = found.whole ? "note" : "warn";
    told.textContent = found.whole
      ? `${told.dataset.whole}: ${count}. ${found.anchor ? `${told.dataset.keep} ${found.anchor}` : ""}`
      : `${found.what} (${count})`;
  });
}
