"""hotline connector: what it proves, shows, sends and says, on a CRM in memory."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from pathlib import Path

import httpx
import phonenumbers
import pytest
from typer.testing import CliRunner

from crm_bridge.cli import app
from crm_bridge.clock import SystemClock
from crm_bridge.commands import connector_check, exits
from crm_bridge.commands.connector_check import Check, Step
from crm_bridge.connectors import mapping as mappings
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import (
    Capabilities,
    ContactDraft,
    Denied,
    Kind,
    Ref,
    SetupStep,
    Status,
    TicketDraft,
    Unreachable,
)
from crm_bridge.records.database import Database
from tests.support.cases import Cast, bring_to
from tests.support.cli import CONFIG, Hotline, Said, hotline
from tests.support.crms import vendor
from tests.support.crms.vendor import THERE, Vendor, stand_in

__all__ = ["hotline"]

SECTION = """
[connector.crm]
kind = "roundup"
url = "http://127.0.0.1:9/tracker"
username = "hotline"
token = "a secret of the tests"
mapping = "crm.toml"
"""


@pytest.fixture
def crm(hotline: Hotline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    """The command line with one connector, `crm`; the other side is in memory."""
    stand_in(monkeypatch, "roundup")
    own = mappings.default_path("memory").read_text(encoding="utf-8")
    (tmp_path / "crm.toml").write_text(own, encoding="utf-8")
    config = tmp_path / "hotline.toml"
    config.write_text(CONFIG.read_text(encoding="utf-8") + SECTION, encoding="utf-8")
    hotline.config = config
    hotline.environment["HOTLINE_WEB__PORT"] = hotline.port
    return hotline


def outbox(hotline: Hotline) -> list[tuple[str, str, int, str]]:
    with sqlite3.connect(hotline.database) as connection:
        query = "SELECT kind, subject, revision, state FROM outbox ORDER BY seq"
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def set_state(hotline: Hotline, state: str) -> None:
    with sqlite3.connect(hotline.database) as connection:
        connection.execute("UPDATE outbox SET state = ?, done_us = 1", (state,))
    connection.close()


def made_case(hotline: Hotline) -> str:
    async def work() -> str:
        database = Database(f"sqlite:///{hotline.database}")
        try:
            from crm_bridge.cases.workflow import State

            cast = await Cast.of(database, SystemClock())
            return (await bring_to(database, SystemClock(), cast, State.PROPOSED)).ticket
        finally:
            await database.close()

    return asyncio.run(work())


# --- list ----------------------------------------------------------------------------------------


def test_the_list_asks_each_and_counts_what_waits(crm: Hotline) -> None:
    said = crm("connector", "list", "--lang", "en")
    assert said.code == 0
    assert "✓ Memory · crm" in said.out
    assert not crm.database.exists()
    crm.replay("answered_served")
    crm("connector", "send", "crm", "--since", "2000-01-01")
    [one] = crm("connector", "list", "--json").objects
    assert (one["answers"], one["waiting"], one["dead"], one["sending"]) == (
        True,
        1,
        0,
        None,
    )
    set_state(crm, "done")
    [one] = crm("connector", "list", "--json").objects
    assert (one["waiting"], one["sending"], one["last_done_us"]) == (0, "well", 1)


def test_a_crm_that_is_down_is_told_with_the_mend(crm: Hotline) -> None:
    THERE["crm"] = MemoryCrm(running=False)
    said = crm("connector", "list")
    assert said.code == exits.FOUND
    assert "✗ health: cannot connect" in said.out
    [one] = crm("connector", "list", "--json").objects
    assert one["answers"] is False
    assert "cannot connect" in one["error"]


def test_without_connectors_the_list_says_where_to_read(hotline: Hotline) -> None:
    assert "docs/connectors/README.md" in hotline("connector", "list").out


def test_a_try_that_failed_last_shows(crm: Hotline) -> None:
    crm.replay("answered_served")
    crm("connector", "send", "crm", "--since", "2000-01-01")
    with sqlite3.connect(crm.database) as connection:
        connection.execute(
            "INSERT INTO delivery_attempts VALUES (1, 1, 5, 1, 'Unreachable', 'crm: refused')"
        )
    connection.close()
    [one] = crm("connector", "list", "--json").objects
    assert (one["sending"], one["last_failure"]) == ("failing", "crm: refused")


# --- check ---------------------------------------------------------------------------------------


def test_the_proof_leaves_nothing_behind(crm: Hotline) -> None:
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == 0, said.out
    assert said.out.count("✓") == 10
    for step in ("lets us in", "makes a contact", "contact again: still one", "by its number",
                 "makes a ticket", "ticket again: still one", "adds a note twice: one",
                 "another status", "takes the ticket away", "takes the contact away"):  # fmt: skip
        assert step in said.out
    assert THERE["crm"].records == {}
    assert THERE["crm"].requests > 15
    assert "resolved" in said.out


def test_the_proof_of_all_and_in_thai(crm: Hotline) -> None:
    said = crm("connector", "check", "--all")
    assert said.code == 0
    assert "สร้างผู้ติดต่อ" in said.out
    assert crm("connector", "check").code == exits.USAGE
    assert crm("connector", "check", "crm", "--all").code == exits.USAGE
    assert "there is: crm" in crm("connector", "check", "other").err


def test_a_login_that_is_refused(crm: Hotline) -> None:
    THERE["crm"] = MemoryCrm(secret="another")
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    assert "✗ answers and lets us in" in said.out
    assert "→ give the right one" in said.out


def test_a_field_that_is_not_there_fails_and_is_cleaned_up(crm: Hotline) -> None:
    contact = {"name", "phone", "email", "province", "address", "link"}
    THERE["crm"] = MemoryCrm(knows=contact)
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    assert "✗ makes a ticket" in said.out
    assert "→ correct the mapping" in said.out
    assert "✓ takes the contact away" in said.out
    assert THERE["crm"].records == {}


class _Doubles(Vendor):
    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        made = await super().upsert_ticket(draft)
        if made.made:
            return made
        record = self._crm.make(self._crm.records[made.id])
        return Ref(record.id, made=True)


class _LosesTheAnswer(Vendor):
    lost = False

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        made = await super().upsert_contact(draft)
        if not type(self).lost:
            type(self).lost = True
            raise Unreachable("make a contact: cut off; whether it took effect is unknown")
        return made


class _Interrupted(Vendor):
    async def set_status(self, ticket: str, status: Status) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # as asyncio does with the first Ctrl-C
        await asyncio.sleep(0)
        return ""


class _CannotRemove(Vendor):
    async def remove(self, kind: Kind, record: str) -> None:
        raise Denied("remove: no right to delete", where="memory", mend="give the right")


class _SetsUp(Vendor):
    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        self.capabilities = Capabilities(setup=True)

    async def setup(self) -> list[SetupStep]:
        return [
            SetupStep("x_call", "there", ("สาย", "the call")),
            SetupStep("x_link", "made", ("ลิงก์", "our page")),
            SetupStep("x_right", "by_hand", ("ให้สิทธิ์", "give the right to write")),
        ]


for _one in (_Doubles, _LosesTheAnswer, _Interrupted, _CannotRemove, _SetsUp):
    setattr(vendor, _one.__name__, _one)
    _one.__module__ = vendor.__name__


def test_a_connector_that_doubles_is_found_out(
    crm: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "roundup", _Doubles)
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    assert "✗ the same ticket again" in said.out
    assert re.search(r"it became a second one: remove \d+ by hand", said.out)


def test_what_was_made_though_the_answer_was_lost_is_removed(
    crm: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "roundup", _LosesTheAnswer)
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    assert "✗ makes a contact" in said.out
    assert "✓ takes the contact away" in said.out
    assert THERE["crm"].records == {}


def test_ctrl_c_removes_what_was_made(crm: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "roundup", _Interrupted)
    with pytest.raises(asyncio.CancelledError):
        crm("connector", "check", "crm")
    assert THERE["crm"].requests > 5
    assert THERE["crm"].records == {}


def test_what_cannot_be_removed_is_told_with_its_key(
    crm: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "roundup", _CannotRemove)
    said = crm("connector", "check", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    [key] = {record.key for record in THERE["crm"].records.values() if record.kind is Kind.TICKET}
    assert f"remove it there by hand: its key is {key}, its id there 3" in said.out


def checked(connector: MemoryConnector, status: int = 200) -> tuple[bool, list[Step]]:
    steps: list[Step] = []

    async def opens(url: str) -> int:
        if status == 0:
            raise httpx.ConnectError("refused")
        return status

    made = Check(connector, mappings.load(None, "memory"), SystemClock(), steps.append, opens)
    return asyncio.run(made.run()), steps


class _WithPages(MemoryConnector):
    def record_url(self, kind: Kind, record: str) -> str | None:
        return f"https://crm.example/{kind}/{record}"


@pytest.mark.parametrize(("status", "good"), [(200, True), (302, True), (403, True), (404, False),
                                              (502, False), (0, False)])  # fmt: skip
def test_the_link_must_open(status: int, good: bool) -> None:
    connector = _WithPages("crm", MemoryCrm(), mappings.load(None, "memory"))
    well, steps = checked(connector, status)
    assert well is good
    [opens] = [step for step in steps if step.what == connector_check._LINK]
    assert opens.good is good
    assert good or "https://crm.example/ticket/" in opens.said


def test_what_the_other_side_has_not_is_not_asked() -> None:
    can = Capabilities(contacts=False, lookup=False, tickets=False, call_events=True)
    crm = MemoryCrm()
    well, steps = checked(
        MemoryConnector("cti", crm, mappings.load(None, "memory"), capabilities=can)
    )
    assert well
    assert [step.good for step in steps] == [True, None, None, True]
    assert [event.moment for event in crm.heard] == ["ringing", "ended"]


def test_the_tests_number_is_whole_and_nobodys() -> None:
    connector = MemoryConnector("crm", MemoryCrm(), mappings.load(None, "memory"))
    made = Check(connector, mappings.load(None, "memory"), SystemClock(), print, None)  # type: ignore[arg-type]  # no page is opened
    for _ in range(50):
        made = type(made)(connector, made.mapping, made.clock, print, None)  # type: ignore[arg-type]  # as above
        assert made.number.startswith("+662000")
        assert phonenumbers.is_valid_number(phonenumbers.parse(made.number))
    facts = made.facts()
    assert facts.call is not None
    assert facts.call.key.startswith("check:")
    for fields in (made.mapping.contact(facts), made.mapping.call(facts), made.mapping.case(facts)):
        assert "connection test" in json.dumps(fields) or "ทดสอบการเชื่อมต่อ" in str(fields)


def test_our_own_crm_is_proved_too(crm: Hotline) -> None:
    crm("migrate")
    assert "--login" in crm("connector", "check", "embedded").err
    make = ("account", "create", "--login", "nok", "--role", "supervisor")
    assert crm(*make, HOTLINE_PASSWORD="ม้วนเดียวจบ-ทดสอบ-1203").code == 0
    said = crm("connector", "check", "embedded", "--login", "nok", "--lang", "en")
    assert said.code == 0, said.out
    assert "hotline1203" in said.out
    with sqlite3.connect(crm.database) as connection:
        states = connection.execute("SELECT state FROM cases").fetchall()
        left = connection.execute("SELECT count(*) FROM persons WHERE erased_us IS NULL").fetchone()
    connection.close()
    assert states in ([("closed",)], [("cancelled",)])
    assert left == (0,)


# --- setup ---------------------------------------------------------------------------------------


def test_setup_says_what_is_there_made_and_left(
    crm: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "roundup", _SetsUp)
    said = crm("connector", "setup", "crm", "--lang", "en")
    assert said.code == exits.FOUND
    for line, parts in zip(
        said.lines,
        (("✓", "x_call", "there already", "the call"), ("+", "x_link", "made now"),
         ("!", "x_right", "to be done by hand", "give the right to write")),
        strict=True,
    ):  # fmt: skip
        assert all(part in line for part in parts)


def test_a_crm_that_needs_no_setup(crm: Hotline) -> None:
    said = crm("connector", "setup", "crm", "--lang", "en")
    assert (said.code, said.out) == (0, "crm: needs no setup\n")


# --- show ----------------------------------------------------------------------------------------


def test_the_samples_are_shown_and_nothing_is_sent(crm: Hotline) -> None:
    said = crm("connector", "show", "crm", "--sample", "--lang", "en")
    assert said.code == 0
    assert "0:00:15" in said.out
    assert "new → new" in said.out
    assert "(emptied)" in said.out
    assert THERE == {}
    full, *_, bare = crm("connector", "show", "crm", "--sample", "--json").objects
    assert full["contact"]["numbers"] == ["+6620000000", "+6620000001"]
    assert bare["contact"] is None


def test_nothing_is_shown_of_what_the_crm_does_not_take(crm: Hotline) -> None:
    assert crm.config is not None
    with crm.config.open("a", encoding="utf-8") as config:
        config.write(
            '\n[connector.rings]\nkind = "zammad"\nurl = "http://127.0.0.1:9"\ntoken = "T"\n'
        )
    shown = crm("connector", "show", "rings", "--sample", "--json").objects
    assert [(one["contact"], one["ticket"], one["notes"]) for one in shown] == [
        (None, None, [])
    ] * 6
    assert {one["remark"].rpartition(" ")[0] for one in shown} == {"this kind of CRM takes no"}
    assert all(one["of"] for one in shown)


def test_a_call_and_a_case_are_shown_as_they_would_go(crm: Hotline) -> None:
    crm.replay("answered_served")
    ticket = made_case(crm)
    with sqlite3.connect(crm.database) as connection:
        [call_id] = connection.execute("SELECT call_id FROM calls").fetchone()
    connection.close()
    [call] = crm("connector", "show", "crm", "--call", call_id, "--json").objects
    assert call["ticket"]["key"] == f"call:{call_id}"
    assert call["ticket"]["fields"]["outcome"] == "ได้รับบริการ"
    assert call["status"] == {"ours": "closed", "theirs": "closed"}
    [case] = crm("connector", "show", "crm", "--case", ticket, "--json").objects
    assert case["ticket"]["fields"]["subject"].startswith(ticket)
    assert len(case["notes"]) == 2
    said = crm("connector", "show", "crm", "--case", ticket)
    assert ticket in said.out
    assert THERE == {}
    with sqlite3.connect(crm.database) as connection:
        [case_id] = connection.execute("SELECT id FROM cases").fetchone()
    connection.close()
    rows = [r for r in crm("audit", "export").objects if r["act"] == "hotline connector show"]
    assert {r["kind"] for r in rows} == {"read"}
    assert [r["about"] for r in rows] == [f"call:{call_id}", *[f"case:{case_id}"] * 2]


def test_what_is_not_there_cannot_be_shown(crm: Hotline) -> None:
    crm("migrate")
    for option in ("--call", "--case", "--person"):
        said = crm("connector", "show", "crm", option, "none")
        assert said.code == exits.FOUND
        assert "there is no such" in said.err
    assert crm("connector", "show", "crm").code == exits.USAGE
    assert crm("connector", "show", "crm", "--sample", "--call", "1").code == exits.USAGE


def test_a_mistake_in_the_mapping_is_told_with_connector_file_and_key(
    crm: Hotline, tmp_path: Path
) -> None:
    text = (tmp_path / "crm.toml").read_text(encoding="utf-8")
    (tmp_path / "crm.toml").write_text(text.replace("call.link", "call.lnk"), encoding="utf-8")
    said = crm("connector", "show", "crm", "--sample")
    assert said.code == exits.USAGE
    assert said.err.count("\n") == 1
    for part in ("connector.crm", "crm.toml", "[call] link: there is no `call.lnk`", "`link`"):
        assert part in said.err


def test_what_the_section_or_the_mapping_leaves_out_is_said(crm: Hotline, tmp_path: Path) -> None:
    text = crm.config.read_text(encoding="utf-8")
    crm.config.write_text(text + 'send = ["cases"]\n', encoding="utf-8")
    shown = crm("connector", "show", "crm", "--sample", "--json").objects
    assert [one["remark"] for one in shown[:3]] == [
        "contacts are not in `send`", "calls are not in `send`", "",
    ]  # fmt: skip
    crm.config.write_text(text, encoding="utf-8")
    own = (tmp_path / "crm.toml").read_text(encoding="utf-8")
    own = own.replace('which = "true"', "which = \"call.outcome == 'served'\"")
    (tmp_path / "crm.toml").write_text(own, encoding="utf-8")
    shown = crm("connector", "show", "crm", "--sample", "--json").objects
    assert shown[1]["ticket"] is not None
    assert "leaves this call out" in shown[4]["remark"]


def test_the_connectors_own_mapping_is_printed(crm: Hotline, monkeypatch) -> None:
    for kind in ("odoo", "rt", "roundup", "webhook", "zammad"):
        said = crm("connector", "mapping", kind)
        assert said.out == mappings.default_path(kind).read_text(encoding="utf-8")
    assert crm("connector", "mapping", "memory").code == exits.USAGE


# --- send, resend, skip --------------------------------------------------------------------------


def test_what_is_on_record_is_sent_once(crm: Hotline) -> None:
    crm.replay("answered_served", "abandoned_queue")
    ticket = made_case(crm)
    assert outbox(crm) == []
    said = crm("connector", "send", "crm", "--since", "2000-01-01")
    assert said.code == 0
    assert "3 calls and cases; 4 entries put into the outbox" in said.out
    assert [row[0] for row in outbox(crm)] == ["call", "call", "case", "case"]
    assert (
        "0 entries put into the outbox, 0 once more, 4 were there"
        in crm("connector", "send", "crm", "--since", "2000-01-01").out
    )
    set_state(crm, "done")
    assert "0 once more" in crm("connector", "send", "crm", "--case", ticket).out
    said = crm("connector", "send", "crm", "--case", ticket, "--again")
    assert "1 calls and cases; 0 entries put into the outbox, 2 once more" in said.out
    assert [row[3] for row in outbox(crm)] == ["done", "done", "waiting", "waiting"]


def test_only_what_was_in_that_time_is_sent(crm: Hotline) -> None:
    crm.replay("answered_served")
    said = crm("connector", "send", "crm", "--since", "2000-01-01", "--until", "2000-01-02")
    assert said.code == exits.FOUND
    assert outbox(crm) == []
    assert crm("connector", "send", "crm").code == exits.USAGE
    assert "no moment" in crm("connector", "send", "crm", "--since", "yesterday").err


def test_the_dead_are_sent_again_or_skipped(crm: Hotline) -> None:
    crm.replay("answered_served", "abandoned_queue")
    crm("connector", "send", "crm", "--since", "2000-01-01")
    set_state(crm, "dead")
    assert crm("connector", "resend", "crm", "--dead").out == "crm: 2 to be sent once more\n"
    assert [row[3] for row in outbox(crm)] == ["waiting", "waiting"]
    said = crm("connector", "skip", "crm", "--seq", "1", "--why", "entered there by hand")
    assert said.out == "crm: 1 is skipped\n"
    assert crm("connector", "resend", "crm", "--seq", "1").code == 0
    with sqlite3.connect(crm.database) as connection:
        query = "SELECT outcome, error FROM delivery_attempts WHERE seq = 1 ORDER BY attempt"
        tried = connection.execute(query).fetchall()
    connection.close()
    assert [one[0] for one in tried] == ["resent", "skipped", "resent"]
    assert tried[1][1].endswith("entered there by hand")


def test_what_cannot_be_sent_again(crm: Hotline) -> None:
    crm("migrate")

    def usage(*words: str) -> Said:
        said = crm("connector", *words)
        assert said.code == exits.USAGE
        return said

    assert "there is no such entry" in usage("resend", "crm", "--seq", "9").err.lower()
    assert "--dead or --seq" in usage("resend", "crm").err
    usage("resend", "crm", "--dead", "--seq", "1")
    usage("resend", "other", "--dead")
    crm.replay("answered_served")
    crm("connector", "send", "crm", "--since", "2000-01-01")
    assert "reason" in usage("skip", "crm", "--seq", "1", "--why", " ").err
    assert "this entry is for crm" in usage("skip", "old", "--seq", "1", "--why", "x").err


def test_every_command_shows_an_example() -> None:
    for command in ("list", "check", "setup", "show", "mapping", "send", "resend", "skip"):
        said = CliRunner().invoke(app, ["connector", command, "--help"])
        assert f"hotline connector {command}" in said.output


# --- doctor --------------------------------------------------------------------------------------


def findings(crm: Hotline) -> dict[str, str]:
    found = crm("doctor", "--json", "--listen", "0").objects
    [one] = [finding for finding in found if finding["where"] == "connector crm"]
    return one


def test_the_doctor_looks_at_each_crm(crm: Hotline) -> None:
    one = findings(crm)
    assert (one["grade"], one["told"]) == ("ok", "Memory · crm")
    crm.replay("answered_served")
    crm("connector", "send", "crm", "--since", "2000-01-01")
    assert "1 waiting" in findings(crm)["told"]
    assert findings(crm)["grade"] == "ok"
    with sqlite3.connect(crm.database) as connection:
        connection.execute("UPDATE outbox SET made_us = made_us - 1000000000")
    connection.close()
    one = findings(crm)
    assert (one["grade"], "the oldest for 16 min" in one["told"]) == ("warning", True)
    set_state(crm, "dead")
    one = findings(crm)
    assert "1 dead" in one["told"]
    assert "hotline connector resend crm --dead" in one["mend"]
    THERE["crm"].secret = "another"
    one = findings(crm)
    assert (one["grade"], one["mend"]) == ("failed", "give the right one")
