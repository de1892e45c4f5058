"""Alerts from what is seen to the rows that are kept and sent, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.alerts import alert_book, records_look, rule_book
from crm_bridge.alerts.alert_book import Kept
from crm_bridge.alerts.keeper import Keeper
from crm_bridge.alerts.rules import FORMS, Kind, Rule
from crm_bridge.cases.workflow import State
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import default_path
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.delivery import outbox
from crm_bridge.delivery.alert_contents import UNITS
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.errors import Refused, StorageUnavailable
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.alerts import alert_rules
from crm_bridge.records.desk_tables.connectors import outbox as entries
from crm_bridge.records.figure_tables import figures_state
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.steps.timeline import timeline
from tests.support.alerts import HOOK, Watched, with_hook
from tests.support.cases import Cast, bring_to
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.desk_clock import NOW
from tests.support.scenario import config_of

TO_ALL = {"emails": "head@moc.example duty@moc.example", "webhooks": "alarms"}


@pytest.fixture
async def watched(database: Database) -> Watched:
    made = Watched(database)
    await made.joined()
    return made


async def supervisor(of: Watched) -> Account:
    async with of.database.writing() as connection:
        return await accounts.create(
            connection, of.clock, login="head", role=Role.SUPERVISOR, name_th="หัวหน้า",
            name_en="Head",
        )  # fmt: skip


async def history(of: Watched) -> list[Kept]:
    async with of.database.reading() as connection:
        return await alert_book.history(connection)


async def test_the_rules_of_the_start_are_sound(database: Database):
    async with database.reading() as connection:
        found = await rule_book.every(connection)
    assert {rule.kind for rule in found} == set(Kind)
    assert [rule.id for rule in found if rule.mistakes()] == []
    assert [rule.id for rule in found if not rule.active] == ["service-level-today"]
    assert all(rule.clear_after >= 5 and not rule.emails for rule in found)
    assert [rule.position for rule in found] == list(range(1, len(found) + 1))


async def test_a_caller_who_waits_is_one_alert_one_mail_each_and_one_event(watched: Watched):
    await watched.only("wait", **TO_ALL)
    watched.waits("information", 119)
    await watched.look()
    assert watched.raised == []
    for waited in range(121, 160):
        watched.waits("information", waited, 10)
        await watched.look()
    (alert,) = watched.raised
    assert alert.th == "คิวให้ข้อมูล / คำปรึกษา: มีผู้โทรรอนานเกิน 2:00 นาที"
    mails = await watched.mails()
    assert [to for to, _, _ in mails] == ["head@moc.example", "duty@moc.example"]
    assert mails[0][1] == f"[1203] {alert.th}"
    assert alert.en in mails[0][2]
    assert await watched.entries() == [("alarms", alert.id, 1)]
    told = watched.heard()
    assert [(one.data["id"], one.data["cleared"]) for one in told] == [(alert.id, None)]
    watched.waits("information")
    await watched.look(times=16)
    assert watched.raised == []
    assert await watched.entries() == [("alarms", alert.id, 1), ("alarms", alert.id, 2)]
    assert len(await watched.mails()) == 2
    (over,) = watched.heard()
    assert over.data["cleared"] is not None
    (kept,) = await history(watched)
    assert (kept.alert.id, kept.alert.worst, kept.alert.why) == (alert.id, 160.0, "away")
    assert watched.woken >= 2


async def test_a_restart_raises_nothing_anew(watched: Watched):
    await watched.only("wait", **TO_ALL)
    watched.waits("information", 130)
    await watched.look()
    (before,) = watched.raised
    watched.another()
    watched.floor = None
    await watched.look(times=5)
    assert [alert.id for alert in watched.raised] == [before.id]
    watched.waits("information", 150)
    await watched.look(times=3)
    assert [alert.id for alert in watched.raised] == [before.id]
    assert len(await watched.mails()) == 2
    watched.waits("information")
    await watched.look(times=16)
    # also what was told before the next start is remembered: nothing is told within `quiet`
    watched.another()
    watched.waits("information", 130)
    await watched.look()
    (again,) = watched.raised
    assert again.id != before.id
    assert len(await watched.mails()) == 2


async def test_while_the_line_is_cut_nothing_is_raised_and_nothing_cleared(watched: Watched):
    await watched.only("wait")
    watched.waits("information", 130)
    await watched.look()
    watched.floor = None
    await watched.look(times=60)
    assert len(watched.raised) == 1
    watched.another()
    await watched.only("nobody-ready")
    watched.floor = None
    await watched.look(times=60)
    assert all(alert.rule == "wait" for alert in watched.raised)


async def test_many_at_once_are_one_letter(watched: Watched):
    await watched.only("unwell", hold_seconds=0, emails="head@moc.example")
    watched.unwell = {"pbx1": ("ก", "a")}
    await watched.look()
    watched.unwell = {f"pbx{n}": (f"ระบบ {n}", f"system {n}") for n in range(1, 6)}
    await watched.look(times=25)
    mails = await watched.mails()
    assert len(mails) == 2
    assert mails[1][1] == "[1203] ด่วน: แจ้งเตือน 4 รายการ · 4 alerts"
    assert all(f"system {n}" in mails[1][2] for n in range(2, 6))
    assert len(watched.raised) == 5
    told = watched.heard("told")
    assert [len(one.data["alerts"]) for one in told] == [1, 4]


async def test_a_database_that_is_away_keeps_no_alert_from_the_screens(
    watched: Watched, monkeypatch
):
    await watched.only("wait", **TO_ALL)
    await watched.look()
    real = Database.writing

    def gone(_self):
        raise StorageUnavailable("locked", where="here", mend="wait")

    monkeypatch.setattr(Database, "writing", gone)
    watched.waits("information", 130)
    await watched.look(times=3)
    assert len(watched.heard()) == 1
    assert await watched.mails() == []
    monkeypatch.setattr(Database, "writing", real)
    await watched.look(times=5)
    assert len(await watched.mails()) == 2
    assert [one for one, *_ in await watched.entries()] == ["alarms"]


async def test_whoever_sees_to_it_is_on_record_and_nobody_else_is_told(watched: Watched):
    me = await supervisor(watched)
    await watched.only("wait", quiet_minutes=0, **TO_ALL)
    watched.waits("information", 130)
    await watched.look()
    (alert,) = watched.raised
    until = watched.clock.now_us() + 60 * SECOND
    async with watched.database.writing() as connection:
        assert await alert_book.snooze(connection, until, me, [alert.id]) == [alert.id]
    watched.keeper.snooze([alert.id], until)
    assert watched.keeper.unattended() == []
    watched.waits("information", 130)
    await watched.look(times=50)
    assert len(await watched.mails()) == 2
    watched.waits("information", 200)
    await watched.look(times=20)
    assert len(await watched.mails()) == 4
    assert len(watched.keeper.unattended()) == 1
    now = watched.clock.now_us()
    async with watched.database.writing() as connection:
        assert await alert_book.acknowledge(connection, now, me, [alert.id, "x"]) == [alert.id]
        assert await alert_book.acknowledge(connection, now + 1, me, [alert.id]) == []
        (kept,) = await alert_book.active(connection)
    assert (kept.by_th, kept.alert.acknowledged_at) == ("หัวหน้า", now)
    watched.keeper.acknowledge([alert.id], me.id, now)
    assert watched.keeper.unattended() == []
    # also after a start
    assert [one.acknowledged_by for one in (await _restarted(watched)).active()] == [me.id]
    watched.waits("information")
    await watched.look(times=20)
    async with watched.database.writing() as connection:
        assert await alert_book.snooze(connection, until, me, [alert.id]) == []


async def _restarted(watched: Watched) -> Keeper:
    keeper = watched.another()
    await watched.look()
    return keeper


async def test_a_rule_that_is_switched_off_clears_what_it_raised(watched: Watched):
    await watched.only("wait")
    watched.waits("information", 130)
    await watched.look()
    assert len(watched.raised) == 1
    await watched.only("waiting")
    await watched.look()
    assert watched.raised == []
    (kept,) = await history(watched)
    assert kept.alert.why == "off"


async def test_every_change_of_a_rule_is_on_record(watched: Watched):
    me = await supervisor(watched)
    config = with_hook(config_of("ours"))
    async with watched.database.writing() as connection:
        rule = await rule_book.find(connection, "wait")
        new = Rule("", Kind.WAIT, rule.level, 60, 60, emails=("a@b.example",), webhooks=("alarms",))
        made = await rule_book.add(connection, watched.clock, config, me, new)
        louder = Rule(made.id, Kind.STEP, rule.level, 90, 60, scope="information")
        changed = await rule_book.change(connection, watched.clock, config, me, 1, louder)
        assert (changed.kind, changed.version) == (Kind.WAIT, 2)
        assert await rule_book.find(connection, made.id) == changed
        with pytest.raises(Refused) as stale:
            await rule_book.change(connection, watched.clock, config, me, 1, louder)
        assert stale.value.status == 412
        wrong = Rule("", Kind.WAIT, rule.level, 60, 90, scope="x", emails=("a",), webhooks=("y",))
        with pytest.raises(Refused) as impossible:
            await rule_book.add(connection, watched.clock, config, me, wrong)
        assert set(impossible.value.fields) == {"clear_at", "scope", "emails", "webhooks"}
        last, first = await rule_book.changes(connection)
    assert (last.by_th, last.version, first.version) == ("หัวหน้า", 2, 1)
    assert last.was == {
        "threshold": 60.0, "scope": "", "emails": ["a@b.example"], "webhooks": ["alarms"]
    }  # fmt: skip
    assert last.became == {
        "threshold": 90, "scope": "information", "emails": [], "webhooks": []
    }  # fmt: skip
    assert first.was == {}


async def _saved(watched: Watched, *calls) -> None:
    writer = Writer(watched.database, watched.clock)
    try:
        rows = [snapshot(call, timeline(call, directory(), STANDARDS)) for call in calls]
        await writer.commit(batch_of(calls=rows))
    finally:
        await writer.close()


async def test_the_service_level_of_the_last_minutes_and_of_today_are_the_figures_own(
    watched: Watched,
):
    config = config_of("ours")
    start = NOW - 20 * 60 * SECOND
    await _saved(watched, *(served(n, start + n * SECOND) for n in range(1, 6)))
    async with watched.database.reading() as connection:
        found = await records_look.levels(connection, config, {0, 30, 5}, NOW)
    assert found is not None
    queue = next(name for (window, name), span in found.items() if window == 30 and span.calls == 5)
    assert found[30, "*"] == found[30, queue] == found[0, queue] == found[0, "*"]
    assert found[5, "*"].share is None
    # figures that are not whole say nothing of today
    async with watched.database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    async with watched.database.reading() as connection:
        assert await records_look.levels(connection, config, {0, 30}, NOW) is None
        assert await records_look.levels(connection, config, {30}, NOW) is not None


async def test_a_low_service_level_is_raised_by_enough_calls_only(watched: Watched):
    await watched.only("service-level", hold_seconds=0, least=2)
    await _saved(watched, lost(1, NOW - 10 * 60 * SECOND))
    await watched.look(times=2)
    assert watched.raised == []
    await _saved(watched, lost(2, NOW - 9 * 60 * SECOND))
    await watched.look(seconds=16)
    (alert,) = watched.raised
    assert alert.value == 0.0
    assert "0 % (ต่ำกว่า 80 % จาก 2 สาย)" in alert.th
    # half an hour later there is no call to speak of
    for _ in range(60):
        await watched.look(seconds=60)
    assert watched.raised == []


async def test_cases_that_are_due_and_overdue(watched: Watched):
    cast = await Cast.of(watched.database, watched.clock)
    case = await bring_to(watched.database, watched.clock, cast, State.ASSIGNED)
    await watched.only("case-due")
    async with watched.database.writing() as connection:
        await connection.execute(
            update(alert_rules).where(alert_rules.c.id == "case-overdue").values(active=True)
        )
    watched.keeper.rules_changed()
    await watched.look(seconds=1)
    assert watched.raised == []
    watched.clock.at = case.due_us - 3 * 86_400 * SECOND
    await watched.look(seconds=1, times=2)
    (alert,) = watched.raised
    assert (alert.rule, alert.subject) == ("case-due", case.ticket)
    watched.clock.at = case.due_us + 5 * 86_400 * SECOND
    for _ in range(3):
        await watched.look(seconds=61)
    (alert,) = watched.raised
    assert (alert.rule, alert.subject) == ("case-overdue", case.ticket)


async def test_what_stands_still_in_an_outbox(watched: Watched):
    await watched.only("standstill", hold_seconds=0)
    values = {
        "kind": "call", "subject": "c", "lane": "l", "state": "waiting", "next_us": 0,
        "attempts": 0, "charged": 0, "version": 1, "connector": "alarms",
    }  # fmt: skip
    async with watched.database.writing() as connection:
        await connection.execute(
            entries.insert().values(revision=1, made_us=watched.clock.now_us(), **values)
        )
    for _ in range(29):
        await watched.look(seconds=60)
    assert watched.raised == []
    await watched.look(seconds=120)
    (alert,) = watched.raised
    assert alert.subject == "alarms"
    async with watched.database.writing() as connection:
        await connection.execute(
            update(entries).values(state="done", done_us=watched.clock.now_us())
        )
        assert await connection.scalar(select(entries.c.state)) == "done"
    for _ in range(3):
        await watched.look(seconds=60)
    assert watched.raised == []


async def test_a_crm_that_takes_no_alerts_is_sent_none(watched: Watched):
    """A rule may name what hotline.toml has since made another kind of."""

    def make(name: str) -> MemoryConnector:
        mapping = registry.mapping_of(HOOK.model_copy(update={"mapping": default_path("memory")}))
        return MemoryConnector(name, MemoryCrm(), mapping, clock=watched.clock)

    deliveries = await Deliveries.of(
        watched.config, watched.database, watched.clock, watched.hub, make
    )
    await watched.only("wait", webhooks="alarms")
    watched.waits("information", 130)
    await watched.look()
    assert await deliveries.workers["alarms"].round()
    async with watched.database.reading() as connection:
        (entry,) = await outbox.listed(connection, "alarms", (outbox.State.DONE,))
    assert (entry.kind, entry.subject) == ("alert", watched.raised[0].id)


def test_each_kind_has_its_unit_also_for_webhooks():
    assert {kind.value: form.unit.value for kind, form in FORMS.items()} == UNITS
