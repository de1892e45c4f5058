"""What the terminal says of calls, in Thai or English: times, outcomes, verdict marks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.text import Text

from crm_bridge.records.calls import StoredCall
from ivr.calls.call import Call, Evidence, Micros, TransferOutcome
from ivr.steps.standards import OFFICE_ZONE, load_standards
from ivr.steps.timing import StepTiming


class Lang(StrEnum):
    """Language of what is shown."""

    TH = "th"
    EN = "en"


Language = Annotated[
    Lang, typer.Option("--lang", envvar="HOTLINE_LANG", help="Thai or English words.")
]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "entered": ("เข้าสาย", "entered"),
    "caller": ("ผู้โทร", "caller"),
    "service": ("บริการ", "service"),
    "outcome": ("ผล", "outcome"),
    "officer": ("จนท.", "officer"),
    "wait": ("รอ", "wait"),
    "talk": ("สนทนา", "talk"),
    "state": ("สถานะ", "state"),
    "step": ("ขั้นตอน", "step"),
    "used": ("ใช้ไป", "used"),
    "standard": ("มาตรฐาน", "standard"),
    "steps": ("ขั้นตอน", "steps"),
    "withheld": ("ไม่แสดงเลขหมาย", "withheld"),
    "information": ("ข้อมูล", "information"),
    "complaint": ("ร้องเรียน", "complaint"),
    "appointment": ("นัดหมาย VDO", "appointment"),
    "market_information": ("ข้อมูลตลาด", "market info"),
    "served": ("ได้รับบริการ", "served"),
    "abandoned_menu": ("วางสายที่เมนู", "left in menu"),
    "abandoned_queue": ("วางสายขณะรอ", "left in queue"),
    "queue_timeout": ("รอเกินกำหนด", "queue timeout"),
    "short": ("สายสั้น", "short"),
    "failed": ("ไม่สำเร็จ", "failed"),
    "interrupted": ("ขาดตอน", "interrupted"),
    "unknown": ("ไม่ทราบ", "unknown"),
    "in progress": ("อยู่ในสาย", "in progress"),
    "greet": ("ทักทาย", "greet"),
    "inform": ("ให้ข้อมูล", "inform"),
    "enquire": ("สอบถาม", "enquire"),
    "transfer": ("โอนสาย", "transfer"),
    "log": ("บันทึก", "log"),
    "receive": ("รับแจ้ง", "receive"),
    "record": ("ลงเรื่อง", "record"),
    "tell_ticket": ("แจ้งเลข", "ticket"),
    "propose": ("เสนอ", "propose"),
    "resolve": ("ยุติ", "resolve"),
    "intake": ("รับนัด", "intake"),
    "coordinate": ("ประสาน", "coordinate"),
    "notify": ("แจ้งนัด", "notify"),
    "waiting": ("รอสาย", "waiting"),
    "ringing": ("เรียกสาย", "ringing"),
    "greeting": ("คำทักทาย", "greeting"),
    "within": ("ทันกำหนด", "within"),
    "over": ("เกินกำหนด", "over"),
    "open": ("ยังไม่จบ", "open"),
    "observed": ("จากระบบโทรศัพท์", "observed"),
    "declared": ("ผู้ปฏิบัติแจ้ง", "declared"),
    "inferred": ("อนุมาน", "inferred"),
}

_MONTHS: Final = ("ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.",
                  "ต.ค.", "พ.ย.", "ธ.ค.")  # fmt: skip

OUTCOME_STYLE: Final = {
    "served": "green",
    "abandoned_queue": "red",
    "queue_timeout": "red",
    "failed": "red",
    "interrupted": "yellow",
    "unknown": "yellow",
}
NOT_REACHED: Final = "↩"
"""Behind the mark of a transfer that did not reach its agency."""

MARKS: Final = {"within": ("✓", "green"), "over": ("✗", "bold red"), "open": ("…", "dim")}
"""State of a step → its mark and the mark's style."""


def say(word: str, lang: Lang) -> str:
    """The word in that language; itself where there is no other."""
    both = _WORDS.get(word)
    return word if both is None else both[lang is Lang.EN]


def local(moment: Micros, form: str, lang: Lang) -> str:
    """A moment on the office's clock; `%b` is the month, `%Y` in Thai the Buddhist year."""
    when = datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(OFFICE_ZONE)
    if lang is Lang.TH:
        form = form.replace("%b", _MONTHS[when.month - 1]).replace("%Y", str(when.year + 543))
    return when.strftime(form)


def clock(moment: Micros) -> str:
    """A moment on the office's clock, to the millisecond."""
    when = datetime.fromtimestamp(moment // 1_000_000, UTC).astimezone(OFFICE_ZONE)
    return f"{when:%H:%M:%S}.{moment % 1_000_000 // 1000:03d}"


def span(length: Micros | None, *, fine: bool = False) -> str:
    """A length of time: `0:07`, `12:03`, `1:02:03`; `fine` adds tenths, `–` is not known."""
    if length is None:
        return "–"
    tenths = (length + 50_000) // 100_000 if fine else (length + 500_000) // 1_000_000 * 10
    seconds, tenth = divmod(tenths, 10)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{tenth}" if fine else text


def caller(stored: StoredCall, lang: Lang, apart: str = " ") -> Text:
    """Number and name of the caller; what came over the wire is shown as plain text."""
    call = stored.call
    if call.withheld:
        return Text(say("withheld", lang), style="italic")
    number = stored.caller_number or call.caller_presented or "?"
    if number.startswith("+66"):
        number = "0" + number[3:]  # as it is dialled here
    text = Text(printable(number))
    if call.caller_name and call.caller_name != call.caller_presented:
        text.append(f"{apart}{printable(call.caller_name)}")
    return text


def printable(text: str) -> str:
    """The text without control characters: a caller's name must not steer a terminal."""
    return "".join(c if c >= " " and not "\x7f" <= c <= "\x9f" else "\N{REPLACEMENT CHARACTER}"
                   for c in text)  # fmt: skip


def service(name: str | None, lang: Lang) -> Text:
    """A service's short name."""
    return Text("–", style="dim") if name is None else Text(say(name, lang))


def outcome(name: str | None, lang: Lang) -> Text:
    """How the call came out, coloured."""
    if name is None:
        return Text(say("in progress", lang), style="cyan")
    return Text(say(name, lang), style=OUTCOME_STYLE.get(name, ""))


def waited(call: Call) -> Micros | None:
    """Joining the first queue to the first officer, or to leaving it; `None` without a queue."""
    if not call.passages:
        return None
    start = call.passages[0].joined_at
    end = call.agents[0].connected_at if call.agents else call.passages[-1].left_at
    return None if end is None else max(0, end - start)


def talked(call: Call) -> Micros | None:
    """Officers' parts less their holds; `None` where none has ended."""
    ended = [p for p in call.agents if p.released_at is not None]
    if not ended:
        return None
    total = sum((p.released_at or 0) - p.connected_at for p in ended)
    held = sum(h.ended_at - h.started_at for h in call.holds if h.ended_at is not None)
    return max(0, total - held)


def mark(step: StepTiming) -> Text:
    """The verdict's mark; a question mark where the times are not all known."""
    sign, style = MARKS.get(step.state, ("?", ""))
    text = Text(sign, style=style)
    if step.evidence in {Evidence.UNKNOWN, Evidence.INFERRED}:
        text.append("?", style="yellow")
    return text


def not_reached(call: Call, step: StepTiming) -> bool:
    """Whether the step is a transfer that did not reach its agency, however quickly it ended."""
    return step.step == "transfer" and any(
        t.asked_at == step.started_at and t.outcome not in {None, TransferOutcome.ANSWERED}
        for t in call.transfers
    )


def step_marks(call: Call, steps: Sequence[StepTiming], lang: Lang) -> Text:
    """Every step by its short name and mark, a repeated one once for each time."""
    text = Text()
    for step in steps:
        if text:
            text.append(" ")
        text.append(say(step.step, lang).replace(" ", "\N{NO-BREAK SPACE}"))
        text.append_text(mark(step))
        if not_reached(call, step):
            text.append(NOT_REACHED, style="yellow")
    return text


def step_name(step: StepTiming, at: Micros, lang: Lang) -> str:
    """The published wording of a step on the day of the call."""
    service = load_standards().on(at).services.get(step.service)
    found = service.steps.get(step.step) if service is not None else None
    if found is None:
        return say(step.step, lang)
    return found.th if lang is Lang.TH else found.en
