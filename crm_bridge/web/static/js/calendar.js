// The day that is set is part of the address of the act, not of its body.
const form = document.querySelector("form.calendar-day");
if (form) {
  const day = form.querySelector("[data-day]");
  const path = form.dataset.act;
  day.disabled = false;
  day.removeAttribute("name");
  day.addEventListener("input", () => {
    form.dataset.act = path + encodeURIComponent(day.value);
  });
}
