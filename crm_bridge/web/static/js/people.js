// People: search as one types, the found chosen by arrow keys; the other record of a merge; a copy
// of a person's data as a file.
import { call, csrf, fields, toast, words } from "./act.js";

const PAUSE = 180; // ms of rest before a search: a word is typed, not a letter

function typed(input, search) {
  let timer = 0;
  let asked = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const turn = ++asked;
      const show = await search(input.value);
      if (turn === asked && show) show(); // an answer that was overtaken is thrown away
    }, PAUSE);
  });
}

const box = document.getElementById("people-q");
const place = document.getElementById("people-found");
if (box && place) {
  box.setSelectionRange(box.value.length, box.value.length);
  typed(box, async (q) => {
    const answer = await fetch(`/people/found?q=${encodeURIComponent(q)}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) {
      toast(words("ค้นหาไม่ได้ในขณะนี้ โปรดลองใหม่", "The search failed; try again"), "bad");
      return null;
    }
    const text = await answer.text();
    return () => {
      place.innerHTML = text; // made and escaped by our own server
      history.replaceState(null, "", q ? `/people?q=${encodeURIComponent(q)}` : "/people");
    };
  });
  const hits = () => [...place.querySelectorAll("[data-hit]")];
  document.addEventListener("keydown", (event) => {
    const at = hits().indexOf(document.activeElement);
    if (event.key === "ArrowDown" && (document.activeElement === box || at >= 0)) hits()[at + 1]?.focus();
    else if (event.key === "ArrowUp" && at >= 0) (hits()[at - 1] ?? box).focus();
    else if (event.key === "Escape" && at >= 0) box.focus();
    else return;
    event.preventDefault();
  });
  box.form.addEventListener("submit", (event) => {
    const found = hits();
    if (found.length !== 1) return;
    event.preventDefault();
    location.assign(found[0].href);
  });
}

const merging = document.querySelector("form[data-merge-search]");
const others = document.getElementById("merge-found");
if (merging && others) {
  merging.addEventListener("submit", (event) => event.preventDefault());
  typed(merging.elements.q, async (q) => {
    const found = q.trim() ? await call("GET", `/api/v1/people?limit=8&q=${encodeURIComponent(q)}`).catch(() => null) : { answer: { items: [] } };
    if (!found) return null;
    return () => {
      others.replaceChildren(
        ...found.answer.items
          .filter((hit) => hit.person_id && hit.person_id !== others.dataset.person)
          .map((hit) => {
            const line = document.createElement("li");
            line.className = "spread";
            const who = document.createElement("bdi");
            who.textContent = [hit.name || others.dataset.none, hit.numbers[0]].filter(Boolean).join(" · ");
            const button = document.createElement("button");
            button.type = "button";
            button.className = "small";
            button.textContent = others.dataset.label;
            button.dataset.act = `POST /api/v1/people/${others.dataset.person}/merges`;
            button.dataset.body = JSON.stringify({ other: hit.person_id });
            button.dataset.then = "reload";
            button.dataset.confirm = others.dataset.confirm;
            line.append(who, button);
            return line;
          }),
      );
    };
  });
}

for (const form of document.querySelectorAll("form[data-export]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.dataset.export, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
      body: JSON.stringify(fields(form)),
    }).catch(() => null);
    if (!answer?.ok) {
      const problem = await answer?.json().catch(() => null);
      toast(problem?.detail ?? words("ส่งออกไม่สำเร็จ", "The export failed"), "bad");
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "person.zip";
    link.click();
    URL.revokeObjectURL(link.href);
    toast(words("ส่งออกแล้ว", "Exported"), "good");
  });
}
