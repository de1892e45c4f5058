"""What the doctor finds of each configured CRM; it asks for its health and writes nothing there."""

from __future__ import annotations

from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.commands.connector_state import Standing, standings
from crm_bridge.commands.exits import plain
from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import Config
from ivr.calls.call import Micros

LATE: Final[Micros] = 15 * 60 * 1_000_000
"""What waits for longer does not go."""


async def of_connectors(config: Config, clock: Clock) -> list[Finding]:
    """One finding for each [connector.NAME]."""
    found = await standings(config, clock, list(config.connector))
    return [_finding(one, clock.now_us()) for one in found]


def _finding(one: Standing, now: Micros) -> Finding:
    where, check = f"connector {one.name}", one.section.kind
    count = one.past.count
    told: list[str] = []
    mend = ""
    grade = Grade.OK
    if one.health is not None:
        told.append(" · ".join(part for part in (one.health.product, one.health.login) if part))
    if count is not None and count.waiting:
        late = now - (count.oldest_us or now)
        told.append(f"{count.waiting} waiting, the oldest for {late // 60_000_000} min")
        if late > LATE:
            grade = Grade.WARNING
            mend = "is `hotline run` running? then see /admin/connectors, why it is left alone"
            if one.past.why:
                told.append(f"last failure: {one.past.why}")
    if count is not None and count.dead:
        grade = Grade.WARNING
        told.append(f"{count.dead} dead")
        mend = f"see /admin/connectors; after the mend: hotline connector resend {one.name} --dead"
    if count is not None and not count.active:
        grade = Grade.WARNING
        told.append("inactive: nothing new is kept for it")
        mend = "start `hotline run` with this hotline.toml"
    if one.error is not None:
        grade = Grade.FAILED
        text = f"{one.error.where}: {one.error.what}" if one.error.where else one.error.what
        told.insert(0, plain(text))
        mend = one.error.mend or mend
    return Finding(where, check, grade, "; ".join(told), mend)
