// Times that run: data-since="ms since the epoch" counts up; with data-standard="seconds" the
// element (or its closest [data-step]) is amber from 80% of the standard and red past it.
// data-spent="seconds" is added: what passed before. data-until counts down to a time.
// The server's clock is the measure: <meta name="now" content="ms"> says what it read.

const server = Number(document.querySelector('meta[name="now"]')?.content) || 0;
const skew = server ? server - Date.now() : 0;
let latest = skew;

export function now() {
  return Date.now() + latest;
}

// The stream tells the server's time now and then; the page may have been asleep in between.
export function adjust(serverMs) {
  latest = serverMs - Date.now();
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (n) => String(n).padStart(2, "0");
  if (hours >= 24) {
    const [day, hour] = document.documentElement.lang === "en" ? ["d", "h"] : ["วัน", "ชม."];
    return `${Math.floor(hours / 24)} ${day} ${hours % 24} ${hour}`;
  }
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick(root = document) {
  const at = now();
  for (const element of root.querySelectorAll("[data-since]")) {
    const used = (at - Number(element.dataset.since)) / 1000 + Number(element.dataset.spent ?? 0);
    set(element, span(used));
    const standard = Number(element.dataset.standard);
    if (!standard) continue;
    const step = element.closest("[data-step]") ?? element;
    step.classList.toggle("over", used > standard);
    step.classList.toggle("near", used <= standard && used >= 0.8 * standard);
    const bar = step.querySelector("progress");
    if (bar) bar.value = Math.min(used, standard);
    const left = step.querySelector("[data-left]");
    if (left) set(left, used > standard ? `+${span(used - standard)}` : span(standard - used));
  }
  for (const element of root.querySelectorAll("[data-until]")) {
    set(element, span((Number(element.dataset.until) - at) / 1000));
  }
}

export function install() {
  tick();
  setInterval(tick, 250);
  document.addEventListener("visibilitychange", () => tick());
}

