"""What `hotline connector` prints: the list, the steps of a proof and of a setup."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_bridge.commands import words
from crm_bridge.commands.connector_check import Step
from crm_bridge.commands.connector_state import Standing
from crm_bridge.commands.exits import plain
from crm_bridge.commands.words import Lang, printable
from crm_bridge.connectors.port import SetupStep

WIDTH: Final = 120


def print_step(out: Console, step: Step, lang: Lang) -> None:
    """One step of a proof, as it ends."""
    sign, style = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("–", "dim")}[step.good]
    line = Text(f"  {sign} ", style=style)
    line.append(step.what[lang is Lang.EN], style="" if step.good is not None else "dim")
    if step.good is None:
        line.append("  ไม่มี" if lang is Lang.TH else "  it has none", style="dim")
    else:
        line.append(f"  {step.seconds:.2f} s", style="cyan")
    if step.said:
        line.append(f"  {printable(plain(step.said))}", style="" if step.good else "red")
    out.print(line, soft_wrap=True)
    if step.url:
        out.print(Text(f"      {step.url}", style="dim"), soft_wrap=True)
    if step.mend:
        out.print(Text(f"      → {step.mend}", style="bold"), soft_wrap=True)


def console() -> Console:
    """The terminal, or a page of fixed width where there is none."""
    made = Console(highlight=False)
    made.width = min(made.width, WIDTH) if made.is_terminal else WIDTH
    return made


_STATES: Final = {
    "there": ("✓", "green", ("มีอยู่แล้ว", "there already")),
    "made": ("+", "cyan", ("สร้างแล้ว", "made now")),
    "by_hand": ("!", "yellow", ("ต้องทำเอง", "to be done by hand")),
}


def steps(found: list[SetupStep], lang: Lang) -> Table:
    """What a setup found, made and left."""
    english = lang is Lang.EN
    rows = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for step in found:
        sign, style, said = _STATES[step.state]
        text = Text(printable(step.text[english]))
        rows.add_row(
            Text(sign, style), Text(printable(step.what)), Text(said[english], style), text
        )
    return rows


_HEADS: Final = (
    ("ชื่อ", "name"),
    ("ชนิด", "kind"),
    ("ที่อยู่", "address"),
    ("ตอบ", "answers"),
    ("การส่ง", "sending"),
    ("รอส่ง", "waiting"),
    ("ค้างถาวร", "dead"),
    ("ส่งล่าสุด", "last sent"),
)


def table(found: list[Standing], lang: Lang) -> Table:
    """Every CRM with how it stands."""
    english = lang is Lang.EN
    rows = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, head in enumerate(_HEADS):
        rows.add_column(
            head[english], overflow="fold", justify="right" if number in {5, 6} else "left"
        )
    for one in found:
        count = one.past.count
        dead = count.dead if count else 0
        done = one.past.last_done
        rows.add_row(
            one.name,
            one.section.kind,
            one.section.url,
            _answer(one),
            _sending(one, lang),
            str(count.waiting if count else 0),
            Text(str(dead), style="bold red" if dead else ""),
            "–" if done is None else words.local(done, "%d %b %H:%M", lang),
        )
    return rows


def _answer(one: Standing) -> Text:
    if one.health is None:
        error = one.error
        text = Text(f"✗ {plain(error.what) if error else ''}", style="red")
        return text.append(f"\n→ {error.mend}", style="bold") if error and error.mend else text
    said = " · ".join(part for part in (one.health.product, one.health.login) if part)
    return Text("✓ ", style="green").append(
        f"{printable(said)} ({one.seconds:.2f} s)", style="none"
    )


def _sending(one: Standing, lang: Lang) -> Text:
    """Whether entries go, as the outbox tells it; the breaker itself is in the running bridge."""
    th = lang is Lang.TH
    if not one.past.begun:
        return Text("–", style="dim")
    if one.past.failing:
        return Text("ขัดข้อง" if th else "failing", style="red")
    return Text("ปกติ" if th else "well", style="green")


def listed(one: Standing) -> dict[str, object]:
    """The same for programs; moments in microseconds since the epoch."""
    count = one.past.count
    return {
        "name": one.name, "kind": one.section.kind, "url": one.section.url,
        "answers": one.health is not None,
        "product": one.health.product if one.health else None,
        "login": one.health.login if one.health else None,
        "error": str(one.error) if one.error else None,
        "seconds": round(one.seconds, 3),
        "sending": None if not one.past.begun
        else "failing" if one.past.failing else "well",
        "waiting": count.waiting if count else 0, "held": count.held if count else 0,
        "dead": count.dead if count else 0,
        "oldest_us": count.oldest_us if count else None,
        "last_done_us": one.past.last_done, "last_failed_us": one.past.last_failed,
        "last_failure": one.past.why or None,
    }  # fmt: skip
