"""Walks the desk as one person: every page a link leads to, each judged by axe and the keyboard."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.support.browser import Window

GRAVE: Final = frozenset({"serious", "critical"})
AXE: Final = Axe()

_ID: Final = re.compile(r"/[^/]*\d[^/]*")

_LINKS = """() => [...document.querySelectorAll("a[href]")]
  .filter((a) => a.origin === location.origin && !a.hasAttribute("download"))
  .map((a) => a.pathname + a.search)"""

# What a page is made of: each kind of element within each kind of parent, with what it is for.
_PARTS = """() => [...new Set([...document.querySelectorAll("body *")].map((e) =>
  [e.parentElement.className, e.tagName, e.className, e.getAttribute("role"), e.type, e.name,
   e.disabled, e.dataset.key, e.dataset.act?.replace(/[^/]*\\d[^/]*/g, "")].join("|")))]"""

_STOPS = """() => {
  const named = "a[href], button, input, select, textarea, summary, [tabindex]";
  const radios = new Set();
  window.walk = [...document.querySelectorAll(named)].filter((e) => {
    if (e.disabled || e.tabIndex < 0 || e.type === "hidden") return false;
    if (!e.checkVisibility({ visibilityProperty: true })) return false;
    if (e.type === "radio") {
      const group = `${e.form?.action} ${e.name}`;
      const same = `input[type=radio][name="${CSS.escape(e.name)}"]:checked`;
      const checked = document.querySelector(same);
      if (checked ? checked !== e : radios.has(group)) return false;
      radios.add(group);
    }
    return true;
  });
  document.activeElement?.blur();
  window.getSelection().removeAllRanges();
  return window.walk.length;
}"""

# Where each focus came to, told by the page itself: asking it after every key takes too long.
_WATCH = """() => {
  window.reached = [];
  document.addEventListener("focusin", () => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    const shown = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none";
    const box = e.getBoundingClientRect();
    const near = box.bottom > -2 && box.top < innerHeight + 2;
    window.reached.push([window.walk.indexOf(e), shown && near, e.outerHTML.slice(0, 140)]);
  });
}"""

_NAMES = "(missing) => missing.map((i) => window.walk[i].outerHTML.slice(0, 140))"


def pattern(path: str) -> str:
    """The page that a path is one of: ids and the values of a query left out."""
    parts = urlsplit(path)
    if parts.path.startswith("/figures"):
        return parts.path  # links for every figure: `test_figures.py` judges what differs by them
    keys = "&".join(sorted({key for key, _ in parse_qsl(parts.query)}))
    return _ID.sub("/{}", parts.path) + (f"?{keys}" if keys else "")


async def axe_faults(page: Page) -> list[str]:
    """The serious and critical accessibility faults of the page as it stands."""
    found = await AXE.run(page, options={"resultTypes": ["violations"]})
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: "
        + "; ".join(
            f"{node['target']} {node['html'][:120]} {_why(node)}" for node in fault["nodes"][:3]
        )
        for fault in found.response["violations"]
        if fault["impact"] in GRAVE
    ]


def _why(node: dict[str, Any]) -> str:
    checks = [*node.get("any", []), *node.get("all", []), *node.get("none", [])]
    return " / ".join(check["message"] for check in checks[:1])


async def keyboard_faults(page: Page) -> list[str]:
    """What of the page the Tab key does not reach, or reaches without showing it."""
    count = await page.evaluate(_STOPS)
    await page.evaluate(_WATCH)
    reached: set[int] = set()
    unseen: dict[int, str] = {}
    # a date field has a stop for each of its parts, and the browser's own bar may take a key
    for _ in range(4):
        for _ in range(count - len(reached) + 4):
            await page.keyboard.press("Tab")
        for at, seen, html in await page.evaluate("window.reached.splice(0)"):
            reached.add(at)
            if not seen:
                unseen[at] = html
        if len(reached - {-1}) >= count:
            break
    missing = sorted(set(range(count)) - reached)
    names = await page.evaluate(_NAMES, missing)
    return [f"Tab does not reach {name}" for name in names] + [
        f"focus is not seen on {html}" for html in unseen.values()
    ]


@dataclass
class Walk:
    """The pages of every role; what one role's page showed is not judged again for the next."""

    judged: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    pages: dict[str, list[str]] = field(default_factory=dict)
    """The pages that each person saw."""

    async def all(
        self, window: Window, *, begin: tuple[str, ...] = ("/",), each: int = 3,
        pictures: Path | None = None,
    ) -> list[str]:  # fmt: skip
        """Opens every page that links lead to, at most `each` of a kind; the paths opened.

        Of cases, whose pages differ by their state, three times as many.
        """
        waiting = list(begin)
        seen = set(waiting)
        kinds: Counter[str] = Counter()
        opened: list[str] = []
        while waiting:
            path = waiting.pop(0)
            kind = pattern(path)
            if kinds[kind] >= (3 * each if kind == "/cases/{}" else each):
                continue
            kinds[kind] += 1
            if path.startswith("/api/"):
                status = (await window.context.request.get(window.base + path)).status
            else:
                status = await window.go(path)
            if status >= 400:
                self.faults.append(f"{window.who}: a link leads to {path}: {status}")
            if status >= 400 or path.startswith("/api/"):
                continue
            opened.append(window.page.url.removeprefix(window.base))
            await self.judge(window, kind)
            if pictures is not None:
                await window.look(pictures / f"{_file(window.who, kind, kinds[kind])}.png")
            for link in await window.page.evaluate(_LINKS):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
        self.pages[window.who] = opened
        return opened

    async def judge(self, window: Window, kind: str) -> None:
        """Judges the page as it stands, unless all it is made of was judged on such a page."""
        page = window.page
        parts = {f"{kind} {part}" for part in await page.evaluate(_PARTS)}
        if parts <= self.judged:
            return
        self.judged |= parts
        where = f"{window.who} {urlsplit(page.url).path}"
        self.faults += [f"{where}: {fault}" for fault in await axe_faults(page)]
        self.faults += [f"{where}: {fault}" for fault in await keyboard_faults(page)]
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.faults.append(f"{where}: {wide} pixels wider than the screen")


def _file(who: str, kind: str, number: int) -> str:
    return f"{who}{re.sub(r'[^a-z0-9]+', '-', kind)}-{number}".replace("--", "-")
