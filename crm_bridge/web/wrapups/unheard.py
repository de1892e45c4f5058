"""What was not heard of one call: each span, why, what filled it, what stays unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crm_bridge.web.wrapups.story import Words
from ivr.calls.call import Call, Evidence, Gap, Outcome
from ivr.steps.standards import Step
from ivr.steps.timing import StepTiming

_MEANWHILE: Final[Words] = ("สิ่งที่เกิดขึ้นในช่วงนี้", "what happened meanwhile")
_END: Final[Words] = ("เวลาที่สายจบ", "when the call ended")
_OUTCOME: Final[Words] = ("ผลของสาย", "how it came out")
_NO_ROW: Final[dict[str, tuple[Words, ...]]] = {
    "queue_log": (
        ("เมนู การพักสาย การปรึกษา และหน่วยงาน", "menus, holds, consultations, agencies"),
        ("เศษของวินาที", "parts of a second"),
    ),
}
"""What a book that filled a span has no row for."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """One span of a call in which nothing was heard."""

    gap: Gap
    cause: str
    """A key of `crm_bridge.reconciling.words.CAUSES`."""
    unknown: tuple[Words, ...]
    """What of the call is not known for it; empty where a book told all."""


def unheard(
    call: Call, steps: Sequence[StepTiming], names: Mapping[tuple[str, str], Step],
    causes: Sequence[str],
) -> list[Unheard]:  # fmt: skip
    """The gaps of a call in order of time; `causes`: one for each of `call.gaps`."""
    last = max((gap.started_at for gap in call.gaps if gap.filled_by is None), default=None)
    found = []
    for gap, cause in zip(call.gaps, causes, strict=True):
        if gap.filled_by is None:
            told = [_MEANWHILE]
            if gap.started_at == last and call.closed:
                told += _of_the_end(call)
            told += _steps(gap, steps, names)
            unknown = tuple(dict.fromkeys(told))
        else:
            unknown = _NO_ROW.get(gap.filled_by, ())
        found.append(Unheard(gap, cause, unknown))
    return sorted(found, key=lambda one: one.gap.started_at)


def _of_the_end(call: Call) -> Iterator[Words]:
    if call.ended_at is None:
        yield _END
    if call.outcome in {None, Outcome.UNKNOWN}:
        yield _OUTCOME
    for part in call.agents:
        if part.released_at is None:
            yield (
                f"สนทนากับเจ้าหน้าที่ {part.agent} ถึงเมื่อใด",
                f"until when officer {part.agent} spoke with the caller",
            )


def _steps(
    gap: Gap, steps: Sequence[StepTiming], names: Mapping[tuple[str, str], Step]
) -> Iterator[Words]:
    for timed in steps:
        begins = timed.ended_at is None or gap.started_at <= timed.ended_at
        meets = begins and (gap.ended_at is None or gap.ended_at >= timed.started_at)
        if meets and timed.evidence is Evidence.UNKNOWN:
            step = names.get((timed.service, timed.step))
            th, en = (step.th, step.en) if step else (timed.step, timed.step)
            yield f"ขั้นตอน “{th}”", f"the step “{en}”"
