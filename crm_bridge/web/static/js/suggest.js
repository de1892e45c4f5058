// What another system knows, taken over by the person: a button with data-fill="field" and
// data-value puts the value into that field of its form.

export function put(form, name, value) {
  const input = form?.elements.namedItem(name);
  if (!(input instanceof HTMLElement) || input.disabled) return false;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
  return true;
}

export function install() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-fill]");
    if (button) put(button.closest("form"), button.dataset.fill, button.dataset.value);
  });
}
