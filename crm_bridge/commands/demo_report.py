"""What the desk holds after the demo's round: asked over the API as a supervisor, then shown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crm_bridge.appointments import appointment_workflow
from crm_bridge.cases import workflow
from crm_bridge.clock import iso, micros
from crm_bridge.commands.demo_desk import Person, Pop
from crm_bridge.commands.words import Lang, local
from ivr.calls.call import Micros

_NEWEST = 200


@dataclass(frozen=True, slots=True)
class Ticket:
    """A case of the round."""

    ticket: str
    title: str
    state: workflow.State
    due_at: Micros | None
    """The first moment after the last day."""
    days_left: int | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment of the round."""

    ref: str
    name: str
    state: appointment_workflow.State
    starts_at: Micros | None
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """What the desk holds of the round."""

    handled: int
    """Officers' parts in calls; each wants its record."""
    logged: int
    unlogged: tuple[tuple[str, str | None], ...]
    """Officer and caller of each call without its record."""
    called_back: tuple[tuple[str, str], ...]
    """Number of each lost call, and how far its calling back is."""
    tickets: tuple[Ticket, ...]
    meetings: tuple[Meeting, ...]
    sent: dict[str, int]
    """Kind of message → how many the gateway has written."""
    folder: str
    alerts: tuple[tuple[str, str], ...]
    """What was raised, in words, Thai and English."""
    pops: tuple[Pop, ...]
    refused: tuple[str, ...] = ()


async def read_day(
    asked: Person, began: Micros, now: Micros, *, folder: str, pops: list[Pop], refused: list[str]
) -> Day:
    """Asks the desk what it holds since `began`. Raises NotDone."""
    counts = await asked.read("/calls/counts", since=iso(began), until=iso(now))
    unlogged = (await asked.read("/calls/unlogged", everybody=True, limit=_NEWEST))["items"]
    lost = await asked.read("/lost-calls", settled=True)
    cases = (await asked.read("/cases", limit=_NEWEST))["items"]
    meetings = (await asked.read("/appointments", limit=_NEWEST))["items"]
    raised = [
        *await asked.read("/alerts"),
        *(await asked.read("/alerts/history", limit=_NEWEST))["items"],
    ]
    sent: dict[str, int] = {}
    for one in (await asked.read("/messages", state="sent", limit=_NEWEST))["items"]:
        if micros(one["created_at"]) >= began:
            sent[one["kind"]] = sent.get(one["kind"], 0) + 1
    return Day(
        handled=sum(one["handled"] for one in counts),
        logged=sum(one["logged"] for one in counts),
        unlogged=tuple(
            (one["agent"], one["caller_number"])
            for one in unlogged
            if micros(one["entered_at"]) >= began
        ),
        called_back=tuple(
            (one["number"], one["state"]) for one in lost if micros(one["entered_at"]) >= began
        ),
        tickets=tuple(
            Ticket(
                one["ticket"], one["title"], workflow.State(one["state"]),
                micros(one["due_at"]) if one["due_at"] else None, one["working_days_left"],
            )
            for one in reversed(cases)
            if micros(one["recorded_at"]) >= began
        ),
        meetings=tuple(
            Meeting(
                one["ref"], f"{one['name']} {one['surname']}",
                appointment_workflow.State(one["state"]),
                micros(one["starts_at"]) if one["starts_at"] else None, tuple(one["told"]),
            )
            for one in reversed(meetings)
            if micros(one["saved_at"]) >= began
        ),
        sent=sent,
        alerts=tuple(
            (one["th"], one["en"]) for one in raised if micros(one["since"]) >= began
        ),
        folder=folder,
        pops=tuple(pops),
        refused=tuple(refused),
    )  # fmt: skip


_LEVELS = (
    ("known", "รู้จัก", "known"),
    ("maybe", "อาจเป็นหนึ่งใน", "maybe one of several"),
    ("new", "ใหม่", "new"),
    ("withheld", "ไม่แสดงหมายเลข", "withheld"),
)
_BACK = {
    "open": ("รอโทรกลับ", "to be called back"),
    "calling": ("กำลังโทรกลับ", "being called back"),
    "reached": ("โทรกลับแล้ว", "called back"),
    "given_up": ("ยุติการโทรกลับ", "given up"),
}


def desk_report(day: Day, lang: Lang) -> RenderableType:
    """The desk's part of the demo's report."""
    english = lang is Lang.EN
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for head, lines in (
        (("บันทึกสาย", "records"), _records(day, english)),
        (("โทรกลับ", "call-backs"), _backs(day, english)),
        (("เรื่องร้องเรียน", "complaints"), _tickets(day, lang)),
        (("นัดหมาย", "appointments"), _meetings(day, lang)),
        (("ข้อความที่ส่ง", "messages"), _messages(day, english)),
        (("การแจ้งเตือน", "alerts"), [words[english] for words in day.alerts] or ["0"]),
        (("ข้อมูลขึ้นจอ", "screen pops"), _pops(day, english)),
    ):
        for number, line in enumerate(lines):
            table.add_row(head[english] if number == 0 else "", line)
    notes = [Text(f"! {line}", style="yellow") for line in day.refused]
    return Group(table, *notes)


def _records(day: Day, english: bool) -> list[str]:
    counts = (
        f"บันทึกแล้ว {day.logged} จาก {day.handled} สายที่เจ้าหน้าที่รับ",
        f"{day.logged} of the {day.handled} calls that officers took are logged",
    )
    left = [
        (f"ยังไม่บันทึก: {who} สายจาก {number or 'ไม่แสดงหมายเลข'}",
         f"not logged: {who}, call of {number or 'a withheld number'}")[english]
        for who, number in day.unlogged
    ]  # fmt: skip
    return [counts[english], *left]


def _backs(day: Day, english: bool) -> list[str]:
    return [f"{number}  {_BACK[state][english]}" for number, state in day.called_back]


def _tickets(day: Day, lang: Lang) -> list[str]:
    english = lang is Lang.EN
    lines = []
    for one in day.tickets:
        due = ""
        if one.due_at is not None:
            last = local(one.due_at - 1, "%d %b %Y", lang)
            due = (f"  ครบกำหนด {last}", f"  due {last}")[english]
            if one.days_left is not None:
                due += (f" (เหลือ {one.days_left} วันทำการ)",
                        f" ({one.days_left} working days left)")[english]  # fmt: skip
        lines.append(f"{one.ticket}  {workflow.STATES[one.state][english]}{due}")
        lines.append(f"  {one.title}")
    return lines


def _meetings(day: Day, lang: Lang) -> list[str]:
    states = appointment_workflow.STATES
    return [
        f"{one.ref}  {one.name}  "
        + (f"{local(one.starts_at, '%d %b %Y %H:%M', lang)}  " if one.starts_at else "")
        + states[one.state][lang is Lang.EN]
        for one in day.meetings
    ]


def _messages(day: Day, english: bool) -> list[str]:
    kinds = {"sms": ("ข้อความสั้น", "text messages"), "email": ("อีเมล", "e-mails")}
    told = ", ".join(
        f"{words[english]} {day.sent[kind]}" for kind, words in kinds.items() if kind in day.sent
    )
    return [f"{told or '0'} → {day.folder}"]


def _pops(day: Day, english: bool) -> list[str]:
    if not day.pops:
        return ["0"]
    spans = sorted(pop.elapsed / 1000 for pop in day.pops)
    levels = ", ".join(
        f"{(th, en)[english]} {count}"
        for level, th, en in _LEVELS
        if (count := sum(pop.level == level for pop in day.pops))
    )
    middle, most = f"{median(spans):.0f}", f"{spans[-1]:.0f}"
    return [
        (f"{len(spans)} ครั้ง ({levels})", f"{len(spans)} ({levels})")[english],
        (f"จากเสียงเรียกถึงหน้าจอ: ค่ากลาง {middle} มิลลิวินาที นานสุด {most} มิลลิวินาที",
         f"from ring to page: median {middle} ms, longest {most} ms")[english],
    ]  # fmt: skip
