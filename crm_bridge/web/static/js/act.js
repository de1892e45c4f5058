// Acts: a form or button with data-act="METHOD /path" becomes one JSON request to the API.
//   data-body='{"a":1}'   what a button sends
//   data-then="/x/{id}"   where to go afterwards ({name}: a field of the answer), or "reload"
//   data-etag='"3"'       the version an edit is based on (If-Match)
//   data-confirm="…"      asked before
// A form's fields become JSON: data-type="number|boolean|list" on a field says its kind; an empty
// field is left out unless it has data-empty="null". data-json: a box's value is JSON itself. A form that holds a file goes as multipart.
// Afterwards the element fires "acted" (detail: the answer) or "refused" (detail: the problem).

export function csrf() {
  return document.querySelector('meta[name="csrf"]')?.content ?? "";
}

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || String(problem.status));
    this.problem = problem;
  }
}

export async function call(method, path, body, { etag } = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf() };
  if (etag) headers["If-Match"] = etag;
  let payload;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  let response, text;
  try {
    response = await fetch(path, { method, headers, body: payload, credentials: "same-origin" });
    text = await response.text();
  } catch {
    throw new Problem({ status: 0, detail: words("ติดต่อระบบไม่ได้ ข้อมูลยังไม่ถูกบันทึก", "The system cannot be reached; nothing was saved") });
  }
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = { status: response.status, detail: response.statusText };
  }
  if (!response.ok) {
    if (response.status === 401 && !path.endsWith("/sign-in")) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
    throw new Problem(answer ?? { status: response.status, detail: response.statusText });
  }
  return { answer, etag: response.headers.get("ETag") };
}

export function words(th, en) {
  return document.documentElement.lang === "en" ? en : th;
}

export function fields(form) {
  const body = {};
  for (const input of form.elements) {
    if (!input.name || input.disabled || ["submit", "button", "file"].includes(input.type)) continue;
    if (input.closest("[data-act]") !== form && input.form !== form) continue;
    const kind = input.dataset.type;
    let value;
    if (input.type === "checkbox") {
      if (kind === "list") {
        body[input.name] ??= [];
        if (input.checked) body[input.name].push(input.dataset.json === undefined ? input.value : JSON.parse(input.value));
        continue;
      }
      value = input.checked;
    } else if (input.type === "radio") {
      if (!input.checked) continue;
      value = input.value;
    } else if (input.multiple) {
      value = [...input.selectedOptions].map((option) => option.value);
    } else value = input.value;
    if (value === "") {
      if (input.dataset.empty === "null") body[input.name] = null;
      else if (input.dataset.empty === "text") body[input.name] = "";
      continue;
    }
    if (kind === "number") value = Number(value);
    else if (kind === "boolean") value = value === true || value === "true";
    else if (kind === "list" && typeof value === "string") value = value.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
    body[input.name] = value;
  }
  return body;
}

function holdsFile(form) {
  return [...form.elements].some((input) => input.type === "file" && input.files?.length);
}

// What the server would refuse after it was sent, said before: data-largest="bytes" on a file field.
function tooLarge(form) {
  for (const input of form.elements) {
    const largest = Number(input.dataset?.largest);
    const file = largest && [...(input.files ?? [])].find((one) => one.size > largest);
    if (!file) continue;
    const size = `${+(largest / 1048576).toPrecision(3)} MB`;
    const detail = words(`ไฟล์ใหญ่เกิน ${size}`, `the file is larger than ${size}`);
    return { type: "file-size", status: 413, detail, fields: { [input.name]: detail } };
  }
  return null;
}

export function toast(text, kind = "info") {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = document.createElement("p");
  note.className = `toast ${kind}`;
  note.textContent = text;
  place.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 9000 : 4000);
}

function clear(form) {
  form.querySelector(":scope .problem[data-made]")?.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  for (const hint of form.querySelectorAll(".field-problem")) hint.remove();
}

function show(element, problem) {
  const form = element.tagName === "FORM" ? element : null;
  if (!form) {
    toast(problem.detail || problem.title, "bad");
    return;
  }
  const box = document.createElement("p");
  box.className = "problem";
  box.dataset.made = "";
  box.setAttribute("role", "alert");
  box.textContent = problem.detail || problem.title;
  form.prepend(box);
  let first = null;
  for (const [name, text] of Object.entries(problem.fields ?? {})) {
    const input = form.elements.namedItem(name);
    if (!(input instanceof HTMLElement)) continue;
    const hint = document.createElement("span");
    hint.className = "field-problem";
    hint.id = `problem-${name}`;
    hint.textContent = text;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", hint.id);
    input.after(hint);
    first ??= input;
  }
  (first ?? box).scrollIntoView({ block: "nearest" });
  first?.focus();
}

function goOn(element, answer) {
  const then = element.dataset.then;
  if (!then) return;
  if (then === "reload") {
    location.reload();
    return;
  }
  const path = then.replace(/\{(\w+)\}/g, (_, name) => {
    const value = String(answer?.[name] ?? "");
    return then === `{${name}}` ? value : encodeURIComponent(value);
  });
  if (path.startsWith("/") && !path.startsWith("//")) location.assign(path);
}

export async function act(element) {
  if (element.dataset.busy !== undefined) return;
  const ask = element.dataset.confirm;
  if (ask && !window.confirm(ask)) return;
  const [method, path] = element.dataset.act.split(" ");
  let body;
  if (element.tagName === "FORM") {
    body = holdsFile(element) ? new FormData(element) : fields(element);
    clear(element);
    const problem = tooLarge(element);
    if (problem) {
      show(element, problem);
      return;
    }
  } else if (element.dataset.body) body = JSON.parse(element.dataset.body);
  element.dataset.busy = "";
  try {
    const { answer, etag } = await call(method, path, body, { etag: element.dataset.etag });
    if (etag && element.dataset.etag) element.dataset.etag = etag;
    if (element.dataset.done) toast(element.dataset.done, "good");
    element.dispatchEvent(new CustomEvent("acted", { bubbles: true, detail: answer }));
    goOn(element, answer);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    show(element, error.problem);
    element.dispatchEvent(new CustomEvent("refused", { bubbles: true, detail: error.problem }));
  } finally {
    delete element.dataset.busy;
  }
}

export function install() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    act(form);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button || button.disabled) return;
    event.preventDefault();
    act(button);
  });
}
