"""A call's life as a person would tell it: every event of its record, in order, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crm_bridge.commands.words import Lang, clock, printable, say, span
from crm_bridge.desk.ways import way_words
from ivr.calls.call import Call, Micros, Transfer
from ivr.events.markers import OBSERVED


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: when, by whose act or on whose telephone, what."""

    at: Micros
    actor: str
    what: str
    quiet: bool = False
    """A detail: shown, but not in the foreground."""


_LINE: Final = "1203"

_SAID: Final[dict[str, tuple[str, str]]] = {
    "enters": ("โทรเข้า {0}", "dials {0}"),
    "line answers": ("รับสายอัตโนมัติ", "answers"),
    "language": ("เลือกภาษา {0}", "the language is {0}"),
    "key": ("กด {1} ในเมนู {0}", "presses {1} in the menu {0}"),
    "joins": ("เข้าคิว {0}{1}", "joins the queue {0}{1}"),
    "place": (" เป็นลำดับที่ {0}", " as number {0}"),
    "rings": ("โทรศัพท์ดัง", "the telephone rings"),
    "passage answered": ("ออกจากคิว {0}: มีผู้รับสาย", "leaves the queue {0}: answered"),
    "passage abandoned": ("วางสายขณะรอในคิว {0}", "gives up waiting in the queue {0}"),
    "passage timeout": ("คิว {0} หมดเวลารอ", "the queue {0} gives up: nobody answered in time"),
    "passage left": ("ออกจากคิว {0}", "leaves the queue {0}"),
    "passage transferred": ("ถูกโอนออกจากคิว {0}", "is transferred out of the queue {0}"),
    "attempt answered": ("รับสาย", "picks up"),
    "attempt no_answer": ("ไม่รับสาย", "does not answer"),
    "attempt busy": ("สายไม่ว่าง", "is busy"),
    "attempt rejected": ("ปฏิเสธสาย", "rejects the call"),
    "attempt cancelled": ("หยุดดังก่อนรับสาย", "stops ringing before an answer"),
    "attempt unavailable": ("ติดต่อไม่ได้", "cannot be reached"),
    "connected": ("เริ่มสนทนากับผู้โทร", "has the caller"),
    "released": ("พ้นจากสาย", "is released from the call"),
    "hold": ("พักสายผู้โทร", "puts the caller on hold"),
    "unhold": ("กลับมาหาผู้โทร (พัก {0})", "takes the caller back (held {0})"),
    "hold ends": ("จบการพักสาย ({0})", "the hold ends ({0})"),
    "consults": ("สอบถามไปยัง {0}", "calls {0} to ask"),
    "consult answered": ("{0} รับสาย", "{0} answers"),
    "consult completed": ("เชื่อมผู้โทรกับ {0}", "connects the caller with {0}"),
    "consult returned": ("จบการสอบถาม {0}", "is done asking {0}"),
    "consult no_answer": ("{0} ไม่รับสาย", "{0} does not answer"),
    "consult busy": ("{0} สายไม่ว่าง", "{0} is busy"),
    "consult failed": ("ติดต่อ {0} ไม่ได้", "{0} cannot be reached"),
    "consult cancelled": ("ยกเลิกการสอบถาม {0}", "gives up asking {0}"),
    "transfer blind": ("โอนสายไปยัง {0}", "transfers the caller to {0}"),
    "transfer attended": ("โอนสายที่สอบถามแล้วไปยัง {0}", "hands the caller over to {0}"),
    "transfer answered": ("{0} รับสายที่โอน (ใช้ {1})", "{0} takes the transfer (after {1})"),
    "transfer no_answer": ("{0} ไม่รับสายที่โอน", "{0} does not answer the transfer"),
    "transfer busy": ("{0} สายไม่ว่าง", "{0} is busy"),
    "transfer failed": ("โอนไปยัง {0} ไม่สำเร็จ", "the transfer to {0} fails"),
    "transfer returned": ("ผู้โทรกลับจากการโอนไป {0}", "the caller is back from {0}"),
    "transfer unknown": ("ไม่ทราบผลการโอนไป {0}", "what came of the transfer to {0} is unknown"),
    "transfer abandoned": ("วางสายระหว่างโอนไป {0}", "hangs up while {0} is being reached"),
    "agency connected": ("{0} เริ่มสนทนากับผู้โทร", "{0} has the caller"),
    "agency released": ("{0} พ้นจากสาย", "{0} is released from the call"),
    "gap": ("เริ่มไม่ได้รับเหตุการณ์จาก Asterisk", "from here on nothing was heard of Asterisk"),
    "gap end": ("ได้รับเหตุการณ์อีกครั้ง หลังขาดไป {0}", "events are heard again after {0}"),
    "ends": ("สิ้นสุดสาย ({0})", "the call ends ({0})"),
    "announcement": ("เริ่มเล่นประกาศฉุกเฉิน ({0})", "the emergency message begins ({0})"),
    "announced": ("เล่นประกาศฉุกเฉินจบ ({0})", "the emergency message has been played ({0})"),
    "notice": ("เล่นคำแจ้งการบันทึกเสียงจบ", "the recording notice has been played"),
    "menu": ("เมนู {0} เริ่มพูด", "the menu {0} begins to speak"),
    "wrong_key": ("กดปุ่มที่ไม่มีในเมนู ({0})", "presses a key the menu does not know ({0})"),
    "no_key": ("ไม่กดปุ่มในเมนู {0}", "presses nothing in the menu {0}"),
    "service": ("ขอบริการ {0}", "asks for {0}"),
    "greeting_start": ("เริ่มคำทักทาย", "the greeting begins"),
    "greeting_end": ("จบคำทักทาย", "the greeting is over"),
    "agency": ("เรียกสาย {0}", "rings {0}"),
    "agency_failed": ("เรียกสายไม่สำเร็จ ({0})", "was not reached ({0})"),
    "returned": ("ส่งสายกลับไปยัง {0}", "sends the caller back to {0}"),
    "requeued": ("ส่งสายกลับเข้าคิว {0}", "sends the caller back into the queue {0}"),
    "queue_timeout": ("คิว {0} หมดเวลา", "the queue {0} has timed out"),
    "informed": ("แจ้งข้อมูลแก่ผู้โทรแล้ว", "has given the information"),
    "form_opened": ("เปิดแบบฟอร์มรับเรื่องร้องเรียน", "opens the complaint form"),
    "enquire_begin": ("สอบถามหน่วยงานทางช่องทางอื่น {0}", "asks an agency by other means {0}"),
    "enquire_end": ("ได้คำตอบจากหน่วยงานแล้ว", "has the agency's answer"),
    "logged": ("บันทึกการให้บริการแล้ว", "has saved the record of the call"),
    "taken_over": ("รับสายแทน {0}", "takes the caller over from {0}"),
    "supervision_begin": ("หัวหน้างานเริ่ม{0}", "as a supervisor begins: {0}"),
    "supervision_end": ("หัวหน้างานสิ้นสุดการ{0}", "as a supervisor ends: {0}"),
    "callback": ("โทรกลับตามสายที่ไม่ได้รับ {0}", "calls the caller of a lost call back {0}"),
    "closed": ("แจ้งว่าอยู่นอกเวลาทำการ ({0})", "is told that the office is closed ({0})"),
    "door": ("ระบบไม่ตอบเรื่องการรอคิว ({0})", "the bridge did not answer at the queue ({0})"),
    "known": ("เรียกเจ้าหน้าที่ที่รู้เรื่องก่อน ({0})", "the officer who knows the caller is rung ({0})"),
    "known_over": ("เจ้าหน้าที่ที่รู้เรื่องไม่รับสาย ({0})", "that officer did not answer ({0})"),
    "priority": ("ได้ลำดับความสำคัญในคิว ({0})", "has a priority in the queue ({0})"),
    "refused": ("ไม่รับสายตามกฎ ({0})", "is turned away by a rule ({0})"),
    "wait": ("แจ้งเวลารอ {0} นาที", "is told the wait: {0} (minutes)"),
    "self_begin": ("เริ่มบริการตนเอง {0}", "self-service begins ({0})"),
    "self_end": ("จบบริการตนเอง ({0})", "self-service has ended ({0})"),
    "recording": ("เริ่มบันทึกเสียงการสนทนา", "the conversation is recorded"),
    "recording_paused": ("หยุดบันทึกเสียง", "has the recording paused"),
    "recording_resumed": ("บันทึกเสียงต่อ", "has the conversation recorded again"),
    "survey_begin": ("เริ่มสอบถามความพึงพอใจ (คิว {0})", "the caller is asked how it was (queue {0})"),
    "survey_rating": ("ให้คะแนน {0} จาก 5", "rates the service {0} of 5"),
    "survey_settled": (
        "ตอบว่าเรื่องได้รับการแก้ไขแล้วหรือไม่: {0}",
        "says whether the matter is settled: {0}",
    ),
    "survey_end": ("จบแบบสอบถาม ({0})", "the survey has ended ({0})"),
    "guide": ("อ่านคำแนะนำข้อมูลตลาดจบ", "the marketing guide has been read out"),
}

_ENDED_BY: Final = {
    "caller": ("ผู้โทรวางสาย", "the caller hung up"),
    "agent": ("เจ้าหน้าที่วางสาย", "the officer hung up"),
    "agency": ("หน่วยงานวางสาย", "the agency hung up"),
    "system": ("ระบบตัดสาย", "the line ended it"),
    "unknown": ("ไม่ทราบว่าใครวางสาย", "not known by whom"),
}

_HIS_OWN: Final = {"wrong_key", "no_key", "service", "survey_rating", "survey_settled"}
"""Markers of what the caller did."""
_TOLD_ELSEWHERE: Final = {"enter", "key", "language"}
"""Markers whose content the record holds in a list of its own."""


def tell(call: Call, lang: Lang, agencies: dict[str, str] | None = None) -> list[Moment]:
    """Everything that happened, in order of time; `agencies` are their names by id."""
    moments = [*_Teller(call, lang, agencies or {}).moments()]
    moments.sort(key=lambda moment: moment.at)
    return moments


class _Teller:
    def __init__(self, call: Call, lang: Lang, agencies: dict[str, str]) -> None:
        self.call = call
        self.lang = lang
        self.agencies = agencies

    def moments(self) -> Iterator[Moment]:
        call, who = self.call, self._caller()
        yield Moment(call.entered_at, who, self._say("enters", call.dialled))
        if call.answered_at is not None:
            yield Moment(call.answered_at, _LINE, self._say("line answers"))
        for choice in call.menu:
            yield Moment(choice.at, who, self._say("key", choice.menu, choice.key))
        yield from self._marks(who)
        yield from self._queues(who)
        # of what happens in one moment the cause is told first
        yield from self._holds()
        yield from self._consultations()
        yield from self._transfers(who)
        yield from self._talk()
        for gap in call.gaps:
            yield Moment(gap.started_at, call.node, self._say("gap"))
            if gap.ended_at is not None:
                length = span(gap.ended_at - gap.started_at, fine=True)
                yield Moment(gap.ended_at, call.node, self._say("gap end", length))
        if call.ended_at is not None:
            by = _ENDED_BY.get(call.ended_by or "unknown", _ENDED_BY["unknown"])
            outcome = say(call.outcome or "unknown", self.lang)
            text = f"{by[self.lang is Lang.EN]}: {outcome}"
            yield Moment(call.ended_at, _LINE, self._say("ends", text))

    def _marks(self, who: str) -> Iterator[Moment]:
        for mark in self.call.marks:
            if mark.name == "language":
                yield Moment(mark.at, who, self._say("language", mark.value))
            if mark.name in _TOLD_ELSEWHERE:
                continue
            value = printable(mark.value)
            if mark.name == "service":
                value = say(value, self.lang)
            if mark.name in {"agency", "agency_failed"}:
                agency, colon, status = value.partition(":")
                value = self._party(agency, agency) + (f": {status}" if colon else "")
            if mark.name in OBSERVED:
                way, _, agent = value.partition(":")
                value = f"{way_words(way)[self.lang is Lang.EN]} ({agent})"
            if mark.name == "enquire_begin":
                value = self._party(value, value) if value else ""
            known = mark.name in _SAID
            what = self._say(mark.name, value) if known else f"{printable(mark.name)} {value}"
            actor = who if mark.name in _HIS_OWN else _LINE
            yield Moment(mark.at, mark.by or actor, what.rstrip(), quiet=True)

    def _queues(self, who: str) -> Iterator[Moment]:
        for passage in self.call.passages:
            place = "" if passage.position is None else self._say("place", passage.position)
            yield Moment(passage.joined_at, who, self._say("joins", passage.queue, place))
            for attempt in passage.attempts:
                yield Moment(attempt.rang_at, attempt.agent, self._say("rings"))
                if attempt.ended_at is not None and attempt.outcome is not None:
                    what = self._say(f"attempt {attempt.outcome}")
                    yield Moment(attempt.ended_at, attempt.agent, what)
            if passage.left_at is not None:
                what = self._say(f"passage {passage.outcome or 'left'}", passage.queue)
                yield Moment(passage.left_at, who, what, passage.outcome == "answered")

    def _holds(self) -> Iterator[Moment]:
        released = {(part.agent, part.released_at) for part in self.call.agents}
        for hold in self.call.holds:
            yield Moment(hold.started_at, hold.by, self._say("hold"))
            if hold.ended_at is not None:
                length = span(hold.ended_at - hold.started_at, fine=True)
                gone = (hold.by, hold.ended_at) in released
                what = self._say("hold ends" if gone else "unhold", length)
                yield Moment(hold.ended_at, hold.by, what)

    def _talk(self) -> Iterator[Moment]:
        for part in self.call.agents:
            yield Moment(part.connected_at, part.agent, self._say("connected"))
            if part.released_at is not None:
                yield Moment(part.released_at, part.agent, self._say("released"))
        for leg in self.call.agency_legs:
            name, number = self._party(leg.agency, leg.number), printable(leg.number)
            yield Moment(leg.connected_at, number, self._say("agency connected", name))
            if leg.released_at is not None:
                yield Moment(leg.released_at, number, self._say("agency released", name))

    def _consultations(self) -> Iterator[Moment]:
        for asked in self.call.consultations:
            name = self._party(asked.agency, asked.target)
            yield Moment(asked.started_at, asked.by, self._say("consults", name))
            if asked.answered_at is not None:
                yield Moment(
                    asked.answered_at, printable(asked.target), self._say("consult answered", name)
                )
            if asked.ended_at is not None and asked.outcome is not None:
                what = self._say(f"consult {asked.outcome}", name)
                yield Moment(asked.ended_at, asked.by, what)

    def _transfers(self, who: str) -> Iterator[Moment]:
        for transfer in self.call.transfers:
            name = self._party(transfer.agency, transfer.target)
            yield Moment(
                transfer.asked_at, transfer.by, self._say(f"transfer {transfer.kind}", name)
            )
            if (end := _end_of(transfer)) is not None:
                actor = who if transfer.outcome == "abandoned" else printable(transfer.target)
                took = span(end - transfer.asked_at, fine=True)
                came = f"transfer {transfer.outcome or 'unknown'}"
                yield Moment(end, actor, self._say(came, name, took))

    def _say(self, what: str, *values: object) -> str:
        both = _SAID[what]
        return both[self.lang is Lang.EN].format(*(printable(str(value)) for value in values))

    def _caller(self) -> str:
        return say("caller", self.lang)

    def _party(self, agency: str | None, number: str) -> str:
        name = self.agencies.get(agency, agency) if agency else None
        return f"{name} ({number})" if name and name != number else printable(number)


def _end_of(transfer: Transfer) -> Micros | None:
    return transfer.answered_at if transfer.outcome == "answered" else transfer.ended_at


def gap_words(call: Call, lang: Lang) -> list[str]:
    """What the record does not know, a sentence a gap."""
    found = []
    for gap in call.gaps:
        start = clock(gap.started_at)
        end = "…" if gap.ended_at is None else clock(gap.ended_at)
        if lang is Lang.TH:
            filled = (
                f"เติมแล้วจาก {gap.filled_by}" if gap.filled_by else "ยังไม่ได้เติมจากบันทึกของ Asterisk"
            )
            found.append(f"ช่วง {start} ถึง {end} ไม่ได้รับเหตุการณ์จาก {call.node}: {filled}")
        else:
            filled = (
                f"filled from {gap.filled_by}" if gap.filled_by else "not filled from the books"
            )
            found.append(f"from {start} to {end} nothing was heard from {call.node}: {filled}")
    return found
