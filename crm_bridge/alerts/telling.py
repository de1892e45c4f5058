"""Whom alerts are told outside the pages: e-mails and webhooks, as durable rows of what sends them.

Everything is written in the transaction that keeps the alert; the senders of messages and of the
outbox do the rest. Who reads e-mail is told once of what rose; a program that takes webhooks is
told the end too, of what it was told.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.alerts import alert_book
from crm_bridge.alerts.judgement import Alert, Why
from crm_bridge.alerts.rules import Rule
from crm_bridge.alerts.words import Names, letter, of_rule
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from crm_bridge.records import outbox

_log = structlog.get_logger(__name__)

FRESH: Final = 4 * 3600 * 1_000_000
"""µs after which an e-mail that could not go is worth nothing."""
ABOUT: Final = "alert"
"""What the messages are about."""


async def tell(
    connection: AsyncConnection, clock: Clock, rules: Mapping[str, Rule], told: Sequence[Alert],
    link: str = "",
) -> None:  # fmt: skip
    """Writes to each address once, of all that rose for it, and an event to each webhook."""
    now = clock.now_us()
    letters: dict[str, list[Alert]] = defaultdict(list)
    for alert in told:
        rule = rules.get(alert.rule)
        if rule is None:
            continue
        for address in dict.fromkeys(rule.emails):
            letters[address].append(alert)
        if rule.webhooks:
            await outbox.add(
                connection, now, outbox.ALERT, alert.id, outbox.RAISED,
                lane=f"alert:{alert.id}", only=rule.webhooks,
            )  # fmt: skip
    for address, of in letters.items():
        subject, text = letter(of, link)
        same = ",".join(f"{one.id}@{one.told_at}" for one in of)
        key = hashlib.sha256(f"{address}\n{same}".encode()).hexdigest()[:32]
        try:
            await messages.enqueue(
                connection, clock, kind="email", to=address, subject=subject, text=text,
                about=(ABOUT, of[0].id), dedupe=f"alert:{key}", expires=now + FRESH,
            )  # fmt: skip
        except Refused as refused:
            # checked when the rule was saved; one bad row must not keep the others from going
            _log.warning("an alert was not mailed", alert=of[0].id, why=refused.code)


async def tell_end(
    connection: AsyncConnection, clock: Clock, rules: Mapping[str, Rule], over: Sequence[Alert]
) -> None:
    """An event to each webhook that was told of it."""
    for alert in over:
        rule = rules.get(alert.rule)
        if rule is not None and rule.webhooks and alert.told_at is not None:
            await outbox.add(
                connection, clock.now_us(), outbox.ALERT, alert.id, outbox.CLEARED,
                lane=f"alert:{alert.id}", only=rule.webhooks,
            )  # fmt: skip


async def try_out(
    connection: AsyncConnection, clock: Clock, rule: Rule, names: Names, link: str = ""
) -> Alert:
    """Tells everybody whom the rule tells, to see whether it arrives; it is kept as a test."""
    now = clock.now_us()
    th, en = of_rule(rule, names)
    tried = Alert(
        id=uuid.uuid4().hex, rule=rule.id, kind=rule.kind, subject="-", level=rule.level,
        threshold=rule.threshold, value=rule.threshold, worst=rule.threshold, raised_at=now,
        th=f"ทดสอบการแจ้งเตือน: {th}", en=f"Test of an alert: {en}", told_at=now, cleared_at=now,
        why=Why.AWAY, browser=rule.browser, test=True,
    )  # fmt: skip
    await alert_book.write(connection, [tried])
    await tell(connection, clock, {rule.id: rule}, [tried], link)
    return tried
