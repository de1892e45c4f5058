// The agency directory for a call: type a name, choose, consult or transfer. Keyboard first.
import { call as request, Problem, words } from "./act.js";

const at = (id) => document.getElementById(id);
let callId = null;
let found = [];
let chosen = 0;
let send = null;
let asked = 0;
let timer = null;

const PRESENCE = {
  free: ["ว่าง", "free", "good"],
  in_use: ["ไม่ว่าง", "busy", "near"],
  ringing: ["มีสายเรียก", "ringing", "near"],
  on_hold: ["พักสาย", "on hold", "near"],
  unavailable: ["ติดต่อไม่ได้", "unreachable", "bad"],
  unknown: ["ไม่ทราบ", "unknown", ""],
};

function text(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = content;
  return made;
}

function line(entry, n) {
  const item = document.createElement("li");
  item.className = "target";
  item.toggleAttribute("data-chosen", n === chosen);
  const name = words(entry.name_th || entry.name_en, entry.name_en || entry.name_th);
  const who = text("span", "target-name", "");
  who.append(text("b", "", name), " ", text("span", "num soft", entry.number));
  if (entry.province) who.append(" ", text("small", "soft", entry.province));
  const [th, en, colour] = PRESENCE[entry.presence] ?? PRESENCE.unknown;
  const state = text("span", "nowrap", "");
  state.append(text("span", `badge ${colour}`, words(th, en)));
  if (entry.open === false) state.append(" ", text("span", "badge", words("นอกเวลา", "closed")));
  const consult = text("button", "small primary", words("ปรึกษา", "Consult"));
  const blind = text("button", "small", words("โอนทันที", "Transfer"));
  consult.type = blind.type = "button";
  consult.addEventListener("click", () => hand(entry, "consult"));
  blind.addEventListener("click", () => hand(entry, "transfer"));
  item.append(who, state, consult, blind);
  item.addEventListener("mousemove", () => mark(n));
  return item;
}

function mark(n) {
  if (n === chosen) return;
  chosen = Math.max(0, Math.min(found.length - 1, n));
  [...at("directory-results").children].forEach((item, k) => item.toggleAttribute("data-chosen", k === chosen));
  at("directory-results").children[chosen]?.scrollIntoView({ block: "nearest" });
}

function show() {
  chosen = 0;
  const lines = found.map(line);
  if (!lines.length) lines.push(text("li", "empty", words("ไม่พบหน่วยงาน", "Nobody found.")));
  at("directory-results").replaceChildren(...lines);
}

async function look() {
  const mine = ++asked;
  try {
    const { answer } = await request("GET", `/api/v1/directory?q=${encodeURIComponent(at("directory-query").value)}`);
    if (mine !== asked) return; // a later question is on its way
    found = answer.items ?? answer.entries ?? [];
    show();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (mine === asked) at("directory-results").replaceChildren(text("li", "problem", error.message));
  }
}

async function hand(entry, how) {
  const path = `/api/v1/line/calls/${encodeURIComponent(callId)}/${how}`;
  if (await send(path, { number: entry.number })) at("directory").close();
}

export function open(id) {
  callId = id;
  at("directory-query").value = "";
  at("directory").showModal();
  at("directory-query").focus();
  look();
}

export function gone(id) {
  if (callId === id && at("directory").open) at("directory").close();
}

export function install(sender) {
  send = sender;
  at("directory-query").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
  at("directory").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && event.target === at("directory-query")) {
      event.preventDefault();
      if (found[chosen]) hand(found[chosen], event.shiftKey ? "transfer" : "consult");
    }
  });
}
