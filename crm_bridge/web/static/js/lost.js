// The list of lost calls: "give up" opens the line that asks why.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-give-up]");
  if (!button) return;
  const row = document.getElementById(button.dataset.giveUp);
  if (!row) return;
  row.hidden = !row.hidden;
  button.setAttribute("aria-expanded", String(!row.hidden));
  if (!row.hidden) row.querySelector("input")?.focus();
});

// called back: the list is another one once the telephone rings
document.addEventListener("acted", (event) => {
  if (event.target.matches('button[data-act$="/call-back"]')) event.target.disabled = true;
});
