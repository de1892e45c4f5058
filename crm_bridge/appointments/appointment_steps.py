"""The published steps of an appointment, timed: intake, coordinate, notify.

Each begins where the one before it ends; all are acts of an officer in the console, so declared.
The first time counts: an appointment that is moved has met its steps already.
"""

from __future__ import annotations

from crm_bridge.appointments.appointment import Appointment
from ivr.calls.call import Evidence, Micros
from ivr.steps.standards import Standards
from ivr.steps.timing import StepTiming
from ivr.steps.verdict import verdict

SERVICE = "appointment"


def timings(one: Appointment, standards: Standards, now: Micros) -> list[StepTiming]:
    """The steps begun so far, judged by the edition in force when the request was taken."""
    steps = standards.on(one.opened_us or one.saved_us).services[SERVICE].steps
    spans = (
        ("intake", one.opened_us, one.saved_us),
        ("coordinate", one.saved_us, one.agreed_us),
        ("notify", one.agreed_us, one.told_us),
    )
    found = []
    for name, started, ended in spans:
        standard = steps[name].seconds
        if name == "intake" and started is None:
            found.append(_unknown(name, one.saved_us, standard))
            continue
        if started is None:
            break
        until = ended if ended is not None else (one.closed_us or now)
        elapsed = max(0, until - started)
        found.append(
            StepTiming(
                step=name,
                service=SERVICE,
                started_at=started,
                ended_at=ended,
                standard_seconds=standard,
                state=verdict(elapsed, standard, ended=ended is not None),
                evidence=Evidence.DECLARED,
                elapsed=elapsed,
            )
        )
    return found


def _unknown(name: str, saved: Micros, standard: int | None) -> StepTiming:
    """When the form was opened is not known: the step was done, its time nobody can say."""
    return StepTiming(name, SERVICE, saved, saved, standard, "open", Evidence.UNKNOWN)
