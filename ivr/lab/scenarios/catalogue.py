"""Every scenario by name: its script, what it is, and the site values it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ivr.lab import asterisk
from ivr.lab.asterisk import Configure
from ivr.lab.scenarios import handing_on, service
from ivr.lab.stage import FOREIGN, House, Stage

Script = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A call, or a few, played on a stage."""

    name: str
    play: Script
    configure: Configure = field(default_factory=asterisk.ours)
    house: House = field(default_factory=House)

    @property
    def what(self) -> str:
        """One line: who does what."""
        return " ".join((self.play.__doc__ or "").split())


def _ours(script: Script, **site: object) -> Scenario:
    return Scenario(script.__name__, script, asterisk.ours(**site))


def _foreign(script: Script) -> Scenario:
    return Scenario(script.__name__, script, asterisk.foreign, FOREIGN)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        _ours(service.answered_served),
        _ours(service.abandoned_queue),
        _ours(service.ring_no_answer, agent_ring=3),
        _ours(handing_on.blind_refer),
        _ours(handing_on.blind_feature),
        _ours(handing_on.attended_refer),
        _ours(handing_on.attended_feature),
        _ours(handing_on.consult_return),
        _ours(service.hold),
        _ours(handing_on.pickup),
        _ours(handing_on.park),
        _ours(service.ended_by_officer),
        _ours(service.abandoned_menu),
        _ours(service.abandoned_ringing),
        _ours(service.agent_rejects),
        _ours(service.queue_timeout, queue_timeout=8),
        _ours(service.queue_reentry),
        _ours(service.short_call),
        _ours(service.cancelled_call),
        _ours(service.menu_faults),
        _ours(service.no_key, menu_wait=1),
        _ours(service.guide),
        _ours(service.hold_hangup),
        _ours(service.thai_name),
        _ours(service.withheld),
        _ours(service.same_number_twice),
        _ours(service.same_second),
        _ours(service.two_devices),
        _ours(service.local_member),
        _ours(handing_on.ended_by_agency),
        _ours(handing_on.attended_early),
        _ours(handing_on.attended_feature_early),
        _ours(handing_on.attended_cancelled),
        _ours(handing_on.attended_refused),
        _ours(handing_on.consult_no_answer),
        _ours(handing_on.transfer_busy),
        _ours(handing_on.transfer_no_answer, agency_ring=3),
        _ours(handing_on.transfer_unreachable),
        _ours(handing_on.transfer_abandoned),
        _ours(handing_on.transfer_back_abandoned),
        _ours(handing_on.transfer_requeued),
        _ours(handing_on.transfer_to_queue),
        _ours(handing_on.transfer_to_officer),
        _ours(handing_on.park_timeout, parking_time=3),
        _ours(handing_on.conference),
        _ours(handing_on.conference_room),
        _ours(handing_on.local_transfer),
        _ours(handing_on.killed),
        _ours(handing_on.killed_waiting),
        _ours(handing_on.ami_cut),
        _ours(handing_on.ami_cut_end),
        _foreign(service.foreign_served),
        _foreign(service.foreign_transfer),
    )
}
"""In the order in which they are worth reading."""
