"""The rules as they are kept, and every change of them with who made it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.alerts.rules import EACH, TOGETHER, Kind, Level, Rule, Words
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.errors import Refused
from crm_bridge.outgoing.messages import check_address
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.alerts import alert_rule_changes, alert_rules
from ivr.calls.call import Micros

MOST_RULES: Final = 100
MOST_ADDRESSES: Final = 20

_COLUMNS: Final[Mapping[str, str]] = {
    "window": "window_minutes",
    "hold": "hold_seconds",
    "clear_after": "clear_seconds",
    "quiet": "quiet_minutes",
}
"""A rule's field → its column, where that is called otherwise: with its unit."""
_LISTS: Final = ("emails", "webhooks")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a rule: what is another than before, as it was and as it became."""

    rule: str
    version: int
    at: Micros
    by_th: str
    by_en: str
    was: Mapping[str, Any]
    became: Mapping[str, Any]


async def every(connection: AsyncConnection) -> list[Rule]:
    """All of them, those that are off too, in their order."""
    table = alert_rules.c
    rows = await connection.execute(select(alert_rules).order_by(table.position, table.id))
    return [_of_row(row) for row in rows]


async def find(connection: AsyncConnection, rule_id: str) -> Rule:
    """The rule; Refused (404) where there is none."""
    query = select(alert_rules).where(alert_rules.c.id == rule_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("no-such-rule", "ไม่มีกฎการแจ้งเตือนนี้", "there is no such rule", 404)
    return _of_row(row)


async def add(
    connection: AsyncConnection, clock: Clock, config: Config, by: Account, new: Rule
) -> Rule:
    """A new rule behind all others, with an id of its own; Refused (422) where it cannot be so."""
    count = await connection.scalar(select(func.count()).select_from(alert_rules)) or 0
    if count >= MOST_RULES:
        raise Refused(
            "too-many-rules", f"มีกฎได้ไม่เกิน {MOST_RULES} ข้อ", f"there are at most {MOST_RULES} rules"
        )
    last = await connection.scalar(select(func.max(alert_rules.c.position)))
    made = replace(new, id=uuid.uuid4().hex[:12], position=(last or 0) + 1, version=1)
    _check(made, config)
    await connection.execute(insert(alert_rules).values(_values(made)))
    await _note(connection, clock, by, None, made)
    return made


async def change(
    connection: AsyncConnection, clock: Clock, config: Config, by: Account, based_on: int,
    becomes: Rule,
) -> Rule:  # fmt: skip
    """The rule of that id as it is from now on; its kind stays.

    Refused (412) where it was changed since `based_on`, (422) where it cannot be so.
    """
    before = await find(connection, becomes.id)
    if before.version != based_on:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขข้อมูลนี้ไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
            "somebody else has changed this meanwhile: load it again, then repeat the edit",
            412,
        )
    after = replace(becomes, kind=before.kind, position=before.position, version=before.version + 1)
    _check(after, config, before)
    await connection.execute(
        update(alert_rules).where(alert_rules.c.id == after.id).values(_values(after))
    )
    await _note(connection, clock, by, before, after)
    return after


async def changes(connection: AsyncConnection, limit: int = 50) -> list[Change]:
    """The newest changes of all rules."""
    table = alert_rule_changes.c
    rows = await connection.execute(
        select(alert_rule_changes, accounts.c.name_th, accounts.c.name_en)
        .join(accounts, accounts.c.id == table.by_account)
        .order_by(table.at_us.desc(), table.rule_id, table.version.desc())
        .limit(limit)
    )
    return [
        Change(
            row.rule_id, row.version, row.at_us, row.name_th, row.name_en or row.name_th,
            json.loads(row.was or "{}"), json.loads(row.became),
        )
        for row in rows
    ]  # fmt: skip


def webhooks_of(config: Config) -> tuple[str, ...]:
    """The webhooks of hotline.toml that a rule can tell."""
    return tuple(
        sorted(name for name, section in config.connector.items() if section.kind == "webhook")
    )


def _check(rule: Rule, config: Config, before: Rule | None = None) -> None:
    wrong: dict[str, Words] = dict(rule.mistakes())
    known = {EACH, TOGETHER, *config.queue, *({before.scope} if before else ())}
    if rule.scope not in known:
        wrong["scope"] = ("ไม่มีคิวนี้", "there is no such queue")
    _check_emails(rule.emails, wrong)
    # one that hotline.toml no longer names stays where it stood: it may come back
    possible = {*webhooks_of(config), *(before.webhooks if before else ())}
    if not set(rule.webhooks) <= possible:
        wrong["webhooks"] = ("ไม่มีเว็บฮุกนี้ใน hotline.toml", "hotline.toml names no such webhook")
    if wrong:
        raise Refused(
            "rule-impossible", "กฎนี้ใช้ไม่ได้ โปรดแก้ช่องที่ระบุ", "this rule cannot be so", 422, wrong
        )


def _check_emails(emails: Collection[str], wrong: dict[str, Words]) -> None:
    if len(emails) > MOST_ADDRESSES:
        wrong["emails"] = (
            f"ใส่ได้ไม่เกิน {MOST_ADDRESSES} ที่อยู่", f"at most {MOST_ADDRESSES} addresses"
        )  # fmt: skip
    for address in emails:
        try:
            check_address(address, "emails")
        except Refused as refused:
            wrong |= refused.fields


def _values(rule: Rule) -> dict[str, Any]:
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    for name in _LISTS:
        values[name] = " ".join(values[name])
    return {_COLUMNS.get(name, name): value for name, value in values.items()}


def _of_row(row: Row[Any]) -> Rule:
    values = {
        field.name: getattr(row, _COLUMNS.get(field.name, field.name)) for field in fields(Rule)
    }
    for name in _LISTS:
        values[name] = tuple(values[name].split())
    return Rule(**{**values, "kind": Kind(values["kind"]), "level": Level(values["level"])})


async def _note(
    connection: AsyncConnection, clock: Clock, by: Account, before: Rule | None, after: Rule
) -> None:
    names = [f.name for f in fields(after) if f.name not in {"id", "version", "position"}]
    other = [
        name for name in names if before is None or getattr(before, name) != getattr(after, name)
    ]
    await connection.execute(
        insert(alert_rule_changes).values(
            rule_id=after.id, version=after.version, at_us=clock.now_us(), by_account=by.id,
            was=None if before is None else _json(before, other), became=_json(after, other),
        )
    )  # fmt: skip


def _json(rule: Rule, names: Sequence[str]) -> str:
    return json.dumps({name: getattr(rule, name) for name in names}, ensure_ascii=False)
