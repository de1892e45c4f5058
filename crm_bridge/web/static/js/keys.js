// Keyboard: an element with data-key="Alt+H" is clicked (a field or choice: focused) by that key. Where the
// same key stands on several, the first that is visible and enabled takes it.

function name(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey) parts.push("Shift");
  // code, not key: the same place on the keyboard whether it is switched to Thai or to English
  const code = event.code.replace(/^Key|^Digit/, "");
  parts.push(code);
  return parts.join("+");
}

export function install() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const pressed = name(event);
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(pressed)}"]`)].find(
      (element) => !element.disabled && element.getClientRects().length,
    );
    if (!found) return;
    event.preventDefault();
    if (found.matches("input:not([type=checkbox]):not([type=radio]), select, textarea")) {
      found.focus();
      found.select?.();
    } else if (found.type === "radio") {
      // a key leads to the choice and never makes it: the one made stays
      const group = found.form?.elements.namedItem(found.name);
      const made = group instanceof RadioNodeList ? [...group].find((radio) => radio.checked) : null;
      (made ?? found).focus();
    } else {
      if (found.type === "checkbox") found.focus();
      found.click();
    }
  });
}
