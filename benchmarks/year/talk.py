"""What an officer does with a caller: speaks, holds, asks an agency, hands on, records.

Each function continues a call from one moment and says when it was over; times of one officer
never overlap. Marks are put on the call as they are known, and in order by whoever finishes it.
Agencies' telephones ring 45 seconds on this line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.year.entry import Line, close
from benchmarks.year.office import Target, Targets, queue_number
from benchmarks.year.spans import SECOND, Span
from ivr.calls.call import (
    AgencyLeg,
    AgentPart,
    Call,
    Consultation,
    ConsultationOutcome,
    EndedBy,
    Hold,
    Leg,
    Mark,
    Micros,
    Outcome,
    Role,
    Transfer,
    TransferKind,
    TransferOutcome,
)

_TALK: Final = {
    "information": Span(50, 0.95),
    "complaint": Span(100, 0.55),
    "appointment": Span(100, 0.50),
    "market_information": Span(46, 0.80),
}
_FORM: Final = Span(46, 0.85)
"""Greeting's end to the complaint form opened."""
_INTRODUCED: Final = Span(38, 0.7)
"""How long the officer listens before he leaves the caller for somebody else."""
_HOLD: Final = Span(22, 0.7)
_AGENCY_RING: Final = Span(13, 0.75)
_AGENCY_RINGS: Final = 45 * SECOND
_ENQUIRY: Final = Span(75, 0.75)
_AGENCY_TALK: Final = Span(105, 0.75)
_AFTER_AGENCY: Final = Span(32, 0.7)
_FAILED_PROMPT: Final = 5_800_000
_REQUEUED_PROMPT: Final = 4_100_000
_OFFICER_RING: Final = Span(4.5, 0.6)
_OFFICER_RINGS: Final = 20 * SECOND
_CAUSE: Final = {
    TransferOutcome.BUSY: ("BUSY", 17),
    TransferOutcome.NO_ANSWER: ("NOANSWER", 0),
    TransferOutcome.FAILED: ("CHANUNAVAIL", 20),
}

LOG: Final = Span(22, 1.2)
"""The officer's part over → the record of the call saved."""
_LONGEST_WRAPUP: Final = 60 * SECOND
_UNLOGGED: Final = 15 * SECOND

HANDLING: Final = (
    0.64 * _TALK["information"].mean
    + 0.27 * _TALK["complaint"].mean
    + 0.05 * _TALK["appointment"].mean
    + 0.04 * _TALK["market_information"].mean
    + 40
)
"""About how many seconds a caller takes of an officer; 40 of them before and after they speak."""

_OTHER_QUEUE: Final = {
    "information": "complaint", "complaint": "information", "appointment": "information",
    "market_information": "information",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class After:
    """How an officer's time with a caller ended."""

    released_at: Micros
    """When he no longer had anything to do with the call on the line."""
    queue: str | None = None
    """Where the caller went from him; None: the call is closed."""
    joined_at: Micros = 0
    transfer: Transfer | None = None
    """Open until somebody in that queue answers."""


class Talk:
    """The conversations of a day."""

    def __init__(self, line: Line, targets: Targets) -> None:
        self._line = line
        self._random = line.random
        self._targets = targets

    def converse(
        self, call: Call, leg: Leg, officer: str, queue: str, at: Micros, *, onward: bool = True
    ) -> After:
        """The officer has the caller from `at`, by this leg; `onward`: he may hand him on."""
        random = self._random
        if queue == "complaint" and random() < 0.95:
            call.marks.append(Mark("form_opened", at + _FORM.draw(random), "", officer))
        roll = random()
        if roll < 0.80 or not onward:
            return self._plain(call, leg, officer, queue, at, held=roll < 0.05)
        begun = at + _INTRODUCED.draw(random)
        if roll < 0.82:
            return self._asked_elsewhere(call, leg, officer, at, begun)
        if roll < 0.88:
            return self._consulted(call, leg, officer, at, begun)
        if roll < 0.92:
            return self._attended(call, leg, officer, at, begun)
        if roll < 0.985:
            return self._blind(call, leg, officer, queue, at, begun)
        return self._other_queue(call, leg, officer, queue, at, begun)

    def free_at(self, call: Call, officer: str, released: Micros) -> Micros:
        """When the officer can be rung again; the mark of his record is on the call by then."""
        random = self._random
        if random() < 0.12:
            return released + _UNLOGGED
        took = LOG.draw(random)
        call.marks.append(Mark("logged", released + took, "", officer))
        return released + min(took, _LONGEST_WRAPUP)

    def returned(self, call: Call, leg: Leg, officer: str, at: Micros) -> After:
        """The officer has the caller back for a last time."""
        return self._last(call, leg, officer, at, at + _AFTER_AGENCY.draw(self._random))

    def _plain(
        self, call: Call, leg: Leg, officer: str, queue: str, at: Micros, *, held: bool
    ) -> After:
        random = self._random
        until = at + _TALK[queue].draw(random)
        if held:
            begun = at + (until - at) // 3
            back = begun + _HOLD.draw(random)
            call.holds.append(Hold(officer, begun, back))
            until += back - begun
        elif queue != "complaint" and random() < 0.45:
            informed = until - 1 - int(random() * min(12 * SECOND, until - at - 2))
            call.marks.append(Mark("informed", informed, "", officer))
        return self._last(call, leg, officer, at, until)

    def _last(self, call: Call, leg: Leg, officer: str, at: Micros, until: Micros) -> After:
        """An officer's last part of a call, from joining to its end."""
        step = 300 + int(self._random() * 1_500)
        call.agents.append(AgentPart(officer, at, until))
        leg.ended_at, leg.cause = until + step, 16
        by = EndedBy.CALLER if step < 1_400 else EndedBy.AGENT
        close(call, until + 2 * step, by, Outcome.SERVED)
        return After(until)

    def _asked_elsewhere(
        self, call: Call, leg: Leg, officer: str, at: Micros, begun: Micros
    ) -> After:
        """An agency asked by other means, as the desk declares it."""
        random = self._random
        target = self._targets.draw(random)
        back = begun + _ENQUIRY.draw(random)
        call.marks.append(Mark("enquire_begin", begun, target.agency, officer))
        if random() < 0.88:
            call.marks.append(Mark("enquire_end", back, "", officer))
        return self._last(call, leg, officer, at, back + _AFTER_AGENCY.draw(random))

    def _consulted(self, call: Call, leg: Leg, officer: str, at: Micros, begun: Micros) -> After:
        """An agency asked by telephone, the caller on hold, and back to him."""
        random = self._random
        target = self._targets.draw(random)
        step = 900 + int(random() * 3_000)
        asked = begun + step
        rung = asked + min(_AGENCY_RING.draw(random), _AGENCY_RINGS)
        own, theirs = self._second_call(call, officer, target, asked)
        roll = random()
        answered: Micros | None = None
        if roll < 0.78:
            back, outcome, cause = rung + _ENQUIRY.draw(random), ConsultationOutcome.RETURNED, 16
            answered = own.answered_at = theirs.answered_at = rung
        elif roll < 0.88:
            back, outcome, cause = asked + _AGENCY_RINGS, ConsultationOutcome.NO_ANSWER, 0
        elif roll < 0.94:
            back, outcome, cause = rung, ConsultationOutcome.CANCELLED, 127
        elif roll < 0.985:
            back, outcome, cause = asked + 30 * step, ConsultationOutcome.BUSY, 17
        else:
            back, outcome, cause = asked + 20 * step, ConsultationOutcome.FAILED, 20
        if outcome in {ConsultationOutcome.NO_ANSWER, ConsultationOutcome.BUSY}:
            word = "BUSY" if outcome is ConsultationOutcome.BUSY else "NOANSWER"
            call.marks.append(Mark("agency", asked + step, target.agency))
            call.marks.append(Mark("agency_failed", back, f"{target.agency}:{word}"))
        for ended in (own, theirs):
            ended.ended_at, ended.cause = back + step, cause
        call.holds.append(Hold(officer, begun, back + 2 * step))
        call.consultations.append(
            Consultation(officer, target.number, target.agency, asked, answered, back, outcome)
        )
        until = back + 2 * step + _AFTER_AGENCY.draw(random)
        return self._last(call, leg, officer, at, until)

    def _attended(self, call: Call, leg: Leg, officer: str, at: Micros, begun: Micros) -> After:
        """An agency asked by telephone, which takes the caller over."""
        random = self._random
        target = self._targets.draw(random)
        step = 900 + int(random() * 3_000)
        asked = begun + step
        rung = asked + min(_AGENCY_RING.draw(random), _AGENCY_RINGS - SECOND)
        own, theirs = self._second_call(call, officer, target, asked)
        over = rung + _AFTER_AGENCY.draw(random)
        own.answered_at = theirs.answered_at = rung
        own.ended_at = leg.ended_at = over + step
        own.cause = leg.cause = 16
        call.agents.append(AgentPart(officer, at, over))
        call.holds.append(Hold(officer, begun, over - step // 2))
        call.consultations.append(
            Consultation(
                officer, target.number, target.agency, asked, rung, over,
                ConsultationOutcome.COMPLETED,
            )
        )  # fmt: skip
        call.transfers.append(
            Transfer(
                TransferKind.ATTENDED, officer, target.number, target.agency, over, over, over,
                TransferOutcome.ANSWERED,
            )
        )  # fmt: skip
        self._with_agency(call, theirs, target, over + step)
        return After(over)

    def _blind(
        self, call: Call, leg: Leg, officer: str, queue: str, at: Micros, asked: Micros
    ) -> After:
        """Handed on without a word before: the agency answers, or the caller is back, or gone."""
        random = self._random
        target = self._targets.draw(random)
        step = 900 + int(random() * 3_000)
        call.agents.append(AgentPart(officer, at, asked))
        leg.ended_at, leg.cause = asked + step, 16
        transfer = Transfer(TransferKind.BLIND, officer, target.number, target.agency, asked)
        call.transfers.append(transfer)
        call.marks.append(Mark("agency", asked + step, target.agency))
        ring = min(_AGENCY_RING.draw(random), _AGENCY_RINGS - SECOND)
        roll = random()
        if roll < 0.80:
            theirs = self._ring(call, target, asked + 2 * step)
            rung = asked + 2 * step + ring
            if roll < 0.07:
                transfer.outcome, transfer.ended_at = TransferOutcome.ABANDONED, rung + step
                theirs.ended_at, theirs.cause = rung + step, 16
                close(call, rung + step, EndedBy.CALLER, Outcome.SERVED)
                return After(asked)
            theirs.answered_at = rung
            transfer.answered_at = transfer.ended_at = rung + step
            transfer.outcome = TransferOutcome.ANSWERED
            self._with_agency(call, theirs, target, rung + step)
            return After(asked)
        if roll < 0.92:
            outcome, failed = TransferOutcome.NO_ANSWER, asked + _AGENCY_RINGS + step
        elif roll < 0.98:
            outcome, failed = TransferOutcome.BUSY, asked + 30 * step
        else:
            outcome, failed = TransferOutcome.FAILED, asked + 3 * step
        transfer.outcome = outcome
        word, cause = _CAUSE[outcome]
        if outcome is not TransferOutcome.FAILED:
            theirs = self._ring(call, target, asked + 2 * step)
            theirs.ended_at, theirs.cause = failed, cause
        return self._back(call, officer, queue, transfer, failed, f"{target.agency}:{word}")

    def _back(
        self, call: Call, officer: str, queue: str, transfer: Transfer, failed: Micros, value: str
    ) -> After:
        """The agency was not reached: back to the officer, or where he is not, into the queue."""
        random = self._random
        step = 900 + int(random() * 3_000)
        rung = failed + _FAILED_PROMPT
        call.marks.append(Mark("agency_failed", failed, value))
        call.marks.append(Mark("returned", rung, officer))
        leg = self._line.leg(officer, Role.AGENT, officer, rung + step)
        call.legs.append(leg)
        if random() < 0.9:
            answered = rung + min(_OFFICER_RING.draw(random), _OFFICER_RINGS - SECOND)
            leg.answered_at = answered
            transfer.ended_at = answered + step
            return self.returned(call, leg, officer, answered + step)
        missed = rung + _OFFICER_RINGS + step
        leg.ended_at, leg.cause = missed, 0
        call.marks.append(Mark("requeued", missed + step, queue))
        joined = missed + step + _REQUEUED_PROMPT
        transfer.ended_at = joined
        return After(missed, queue, joined, transfer)

    def _other_queue(
        self, call: Call, leg: Leg, officer: str, queue: str, at: Micros, asked: Micros
    ) -> After:
        """The caller wants another service: handed into its queue."""
        other = _OTHER_QUEUE[queue]
        step = 900 + int(self._random() * 3_000)
        call.agents.append(AgentPart(officer, at, asked))
        leg.ended_at, leg.cause = asked + step, 16
        transfer = Transfer(TransferKind.BLIND, officer, queue_number(other), None, asked)
        call.transfers.append(transfer)
        call.service = other
        return After(asked, other, asked + step, transfer)

    def _with_agency(self, call: Call, leg: Leg, target: Target, at: Micros) -> None:
        """The agency has the caller until the end of the call."""
        random = self._random
        until = at + _AGENCY_TALK.draw(random)
        step = 300 + int(random() * 1_500)
        call.agency_legs.append(AgencyLeg(target.agency, target.number, at, until))
        leg.ended_at, leg.cause = until + step, 16
        by = EndedBy.AGENCY if step < 900 else EndedBy.CALLER
        close(call, until + 2 * step, by, Outcome.SERVED)

    def _ring(self, call: Call, target: Target, at: Micros) -> Leg:
        leg = self._line.leg(target.number, Role.AGENCY, target.agency, at)
        call.legs.append(leg)
        return leg

    def _second_call(
        self, call: Call, officer: str, target: Target, at: Micros
    ) -> tuple[Leg, Leg]:  # fmt: skip
        """The officer's own second call, to the agency."""
        own = self._line.leg(officer, Role.AGENT, officer, at)
        call.legs.append(own)
        call.linkedids.append(own.uniqueid)
        return own, self._ring(call, target, at + 900)
