"""Every scenario by name: its script, what it is, and the site values it needs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from ivr.lab import configure
from ivr.lab.configure import Configure
from ivr.lab.scenarios import (
    attended,
    blind,
    callback,
    conversation,
    faults,
    foreign,
    menu,
    queueing,
    supervision,
)
from ivr.lab.stage import FOREIGN, House, Stage

Script = Callable[[Stage], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A call, or a few, played on a stage."""

    name: str
    play: Script
    configure: Configure = field(default_factory=configure.ours)
    house: House = field(default_factory=House)

    @property
    def what(self) -> str:
        """One line: who does what."""
        return " ".join((self.play.__doc__ or "").split())


def _ours(script: Script, **site: object) -> Scenario:
    return Scenario(script.__name__, script, configure.ours(**site))


def _foreign(script: Script) -> Scenario:
    return Scenario(script.__name__, script, configure.foreign, FOREIGN)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        _ours(queueing.answered_served),
        _ours(queueing.abandoned_queue),
        _ours(queueing.ring_no_answer, agent_ring=3),
        _ours(blind.blind_refer),
        _ours(blind.blind_feature),
        _ours(attended.attended_refer),
        _ours(attended.attended_feature),
        _ours(attended.consult_return),
        _ours(conversation.hold),
        _ours(conversation.pickup),
        _ours(conversation.park),
        _ours(queueing.ended_by_officer),
        _ours(menu.abandoned_menu),
        _ours(queueing.abandoned_ringing),
        _ours(queueing.agent_rejects),
        _ours(queueing.queue_timeout, queue_timeout=8),
        _ours(queueing.queue_reentry),
        _ours(menu.short_call),
        _ours(menu.cancelled_call),
        _ours(menu.menu_faults),
        _ours(menu.no_key, menu_wait=1),
        _ours(menu.guide),
        _ours(conversation.hold_hangup),
        _ours(conversation.thai_name),
        _ours(conversation.withheld),
        _ours(conversation.withheld_asserted),
        _ours(queueing.same_number_twice),
        _ours(queueing.same_second),
        _ours(queueing.two_devices),
        _ours(supervision.supervised),
        _ours(supervision.supervised_to_the_end),
        _ours(queueing.local_member),
        _ours(blind.ended_by_agency),
        _ours(attended.attended_early),
        _ours(attended.attended_feature_early),
        _ours(attended.attended_cancelled),
        _ours(attended.attended_refused),
        _ours(attended.consult_no_answer),
        _ours(blind.transfer_busy),
        _ours(blind.transfer_no_answer, agency_ring=3),
        _ours(blind.transfer_unreachable),
        _ours(blind.transfer_abandoned),
        _ours(blind.transfer_back_abandoned),
        _ours(blind.transfer_requeued),
        _ours(blind.transfer_to_queue),
        _ours(blind.transfer_to_officer),
        _ours(conversation.park_timeout, parking_time=3),
        _ours(conversation.conference),
        _ours(conversation.conference_room),
        _ours(blind.local_transfer),
        _ours(faults.killed),
        _ours(faults.killed_waiting),
        _ours(faults.ami_cut),
        _ours(faults.ami_cut_end),
        _ours(faults.ami_cut_enter),
        _ours(callback.called_back),
        _ours(callback.called_back_ended_there),
        _ours(callback.called_back_busy),
        _ours(callback.called_back_given_up),
        _foreign(faults.foreign_served),
        _foreign(faults.foreign_transfer),
        _foreign(foreign.foreign_two_queues),
        _foreign(foreign.foreign_transfer_busy),
        _foreign(foreign.foreign_caller_gone),
        _foreign(foreign.foreign_onward),
        _foreign(foreign.foreign_two_agencies),
        _foreign(foreign.foreign_redirect),
    )
}
"""In the order in which they are worth reading."""
