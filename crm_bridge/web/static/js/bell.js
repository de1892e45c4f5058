// The bell: how many entries are not seen, asked again each minute while the page is looked at.
import { csrf } from "./act.js";

async function ring(link) {
  if (document.hidden) return;
  let answer;
  try {
    const response = await fetch("/api/v1/notifications", { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!response.ok) return;
    answer = await response.json();
  } catch {
    return; // the next minute asks again
  }
  const badge = link.querySelector(".bell-count");
  badge.textContent = answer.unseen > 99 ? "99+" : String(answer.unseen);
  badge.hidden = answer.unseen === 0;
}

const link = document.querySelector("[data-bell]");
if (link && csrf()) {
  ring(link);
  setInterval(() => ring(link), 60_000);
  document.addEventListener("visibilitychange", () => ring(link));
}
