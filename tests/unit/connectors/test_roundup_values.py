"""Values, cursors and answers of Roundup, and that its documentation says what it needs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.connectors import samples
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Status,
    Unreachable,
    Unsettled,
)
from crm_bridge.connectors.roundup.client import RoundupClient
from crm_bridge.connectors.roundup.cursor import LATE, Cursor
from crm_bridge.connectors.roundup.schema import ADDITION, Names
from crm_bridge.connectors.roundup.session import Session
from crm_bridge.connectors.roundup.values import (
    idents,
    moment,
    native_moment,
    numbers,
    same,
    to_send,
    word,
)

DOCS = Path(__file__).parents[3] / "docs" / "connectors" / "roundup.md"


def test_the_documentation_adds_what_the_connector_needs() -> None:
    page = DOCS.read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert block == ADDITION.read_text("utf-8")


def test_the_addition_holds_every_property_that_the_mapping_writes() -> None:
    addition, mapping = ADDITION.read_text("utf-8"), load(None, "roundup")
    full = samples.FULL
    written = mapping.contact(full.contact).keys() | Names.of(mapping).ours | {*mapping.lookup}
    written |= mapping.call(full.call).keys() | mapping.case(full.case).keys()
    for name in written - {"title", "message"}:
        assert re.search(rf"\b{name}=", addition), name


def test_the_classic_templates_statuses_are_all_known() -> None:
    mapping = load(None, "roundup")
    settled = {"resolved", "done-cbb"}
    classic = {"unread", "deferred", "chatting", "need-eg", "in-progress", "testing", *settled}
    assert {mapping.native(status) for status in Status} <= classic
    assert all(mapping.status(native) for native in classic)


LINK = {"id": "2", "link": "https://x/2", "name": "urgent"}


@pytest.mark.parametrize(
    ("sent", "got", "equal"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (None, "", True),
        (None, None, True),
        ("a", None, False),
        (None, "a", False),
        ("a\nb", "a\r\nb ", True),
        ("a\nb", "a b", False),
        ("urgent", LINK, True),
        ("2", LINK, True),
        ("bug", LINK, False),
        ("urgent", None, False),
        (None, LINK, False),
        ("urgent, bug", [LINK, {"id": "3", "name": "bug"}], True),
        ("urgent", [LINK, {"id": "3", "name": "bug"}], False),
        (["2"], [LINK], True),
        (["7"], [LINK], False),
        (None, [], True),
        (5, 5.0, True),
        (5, "five", False),
        (True, True, True),
        (True, False, False),
        (0, 0, True),
        (0, None, False),
        ("2026-11-24.01:02:03", "2026-11-24.01:02:03", True),
        ("2026-11-24", "2026-11-24.00:00:00", True),
        ("2026-11-24", "2026-11-25.00:00:00", False),
    ],
)
def test_what_was_sent_is_what_stands_there(sent: object, got: object, equal: bool) -> None:
    assert same(sent, got) is equal


def test_values_go_as_roundup_keeps_them() -> None:
    assert to_send({"a": " x\r\ny ", "b": "2026-11-24T01:02:03Z", "c": None, "d": 5, "e": " "}) == {
        "a": "x\ny",
        "b": "2026-11-24.01:02:03",
        "c": None,
        "d": 5,
        "e": None,
    }


def test_links_have_a_word() -> None:
    assert word(LINK) == "urgent"
    assert word({"id": "2", "link": "x"}) == ""
    assert (word(None), word(5)) == ("", "5")
    assert idents([LINK, {"id": "3"}]) == ["2", "3"]
    assert idents(None) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+66812345678", ("+66812345678",)),
        ("081-234-5678", ("+66812345678",)),
        ("0812345678, 02 123 4567", ("+66812345678", "+6621234567")),
        ("+6621234567 +66811111111", ("+6621234567", "+66811111111")),
        ("โทร. 081 234 5678 ต่อ 12", ("+66812345678",)),
        ("+12125550123", ("+12125550123",)),
        ("1203", ()),
        ("", ()),
        ("812345678", ()),
    ],
)
def test_numbers_that_people_write(text: str, found: tuple[str, ...]) -> None:
    assert numbers(text) == found


@given(st.lists(st.from_regex(r"\+668[0-9]{8}", fullmatch=True), unique=True, max_size=8))
def test_the_numbers_that_we_write_are_read_back(given_: list[str]) -> None:
    assert set(numbers(" ".join(given_))) == set(given_)


def test_moments() -> None:
    when = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
    assert native_moment(when) == "2026-11-24.01:02:03"
    assert moment("2026-11-24.01:02:03 resolved") == when
    assert moment("None") == datetime(1970, 1, 1, tzinfo=UTC)


START = datetime(2026, 11, 24, 4, 0, 0, tzinfo=UTC)


def look(seconds: int, status: str = "open") -> str:
    return f"{native_moment(START + timedelta(seconds=seconds))} {status}"


def test_a_cursor_goes_back_a_little_and_on_to_the_last_touch() -> None:
    cursor = Cursor(START)
    assert cursor.begin == START - LATE
    after = cursor.next([look(-5), look(100)], more=False)
    assert (after.since, after.page) == (START + timedelta(seconds=100), 0)
    assert cursor.next([look(-5)], more=False).since == START, "never back"
    assert cursor.next([], more=False).since == START


def test_a_cursor_turns_pages() -> None:
    cursor = Cursor(START).next([look(-20), look(-10)], more=True)
    assert (cursor.begin, cursor.page) == (START + timedelta(seconds=-10), 1)
    second = cursor.next([look(-10), look(-10)], more=True)
    assert (second.begin, second.page) == (cursor.begin, 2), "a whole page of one second"
    third = second.next([look(-10), look(3)], more=True)
    assert (third.begin, third.page) == (START + timedelta(seconds=3), 1)


def test_a_cursor_forgets_what_cannot_come_again() -> None:
    cursor = Cursor(START).with_seen({"1": look(-31), "2": look(-30), "3": look(0)})
    assert set(cursor.seen) == {"2", "3"}
    assert Cursor.read(cursor.written()) == cursor


@pytest.mark.parametrize("text", ["", "17", "[]", '["x",0,{}]', "[1,0,{}]", "{}", '["2026",0,5]'])
def test_a_cursor_of_another_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        Cursor.read(text)


def client(answer: httpx.Response) -> RoundupClient:
    """A client that is let in and then gets this answer."""

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/t/rest/":
            return httpx.Response(200, json={"data": {"default_version": 1}})
        if request.url.path == "/t/":
            return httpx.Response(200, text="<html>", headers={"Set-Cookie": "roundup_session_x=1"})
        return answer

    http = JsonHttp("http://127.0.0.1/t", transport=httpx.MockTransport(serve))
    return RoundupClient(Session(http, login="hotline", password="p", ours=("hotline_key",)))


def error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"status": status, "msg": message}})


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (error(404, "no such issue 7"), Gone, "no such issue"),
        (error(404, "Class contact not found"), Denied, "schema.py"),
        (error(404, "Nothing matches the given URI"), Denied, "config.ini"),
        (error(400, "Property hotline_key not found in class issue"), Denied, "schema.py"),
        (error(400, "'Unknown property: hotline_key'"), Denied, "schema.py"),
        (error(400, "Property colour not found in class issue"), Rejected, "no property colour"),
        (error(400, "property status: 'x' is not a status."), Rejected, "is not"),
        (error(400, "Client is not allowed to use Rest Interface."), Denied, "config.ini"),
        (error(400, "Required Header Missing"), Denied, "config.ini"),
        (error(400, "Tue: An error occurred. Please check the log"), Unreachable, "unknown"),
        (httpx.Response(400, html="<h1>An error occurred</h1>"), Unreachable, "unknown"),
        (error(400, "POE token 'x' not valid."), Unsettled, "used before"),
        (error(403, "User does not have permission"), Denied, "role Hotline"),
        (error(403, "Forbidden."), Denied, "role Hotline"),
        (error(405, "vetoed"), Rejected, "vetoed"),
        (error(409, "contact has no node 99"), Rejected, "has no node"),
        (error(412, "If-Match is missing"), Unsettled, "412"),
        (httpx.Response(401, text="Invalid Login"), Denied, "401"),
        (httpx.Response(429, text="Logins occurring too fast."), Denied, "locked"),
        (httpx.Response(429, json={"error": {"msg": "slow"}}), Busy, "429"),
        (httpx.Response(200, json={"error": {"msg": "oops"}}), Unreachable, "not Roundup's"),
        (httpx.Response(200, json=[]), Unreachable, "not Roundup's"),
        (httpx.Response(200, json={"data": {}}), Unreachable, "not Roundup's"),
        (httpx.Response(200, json={"data": {"collection": [1]}}), Unreachable, "not Roundup's"),
        (httpx.Response(502, text="<html>"), Unreachable, "unknown"),
    ],
)
async def test_what_roundup_says_becomes_an_error_of_the_port(
    answer: httpx.Response, expected: type[ConnectorError], words: str
) -> None:
    asking = client(answer)
    with pytest.raises(ConnectorError) as caught:
        await asking.find("issue", {"hotline_key:": "call:secret-4711"}, ("title",), act="look")
    await asking.close()
    assert isinstance(caught.value, expected)
    assert words in str(caught.value)
    assert "4711" not in str(caught.value)


async def test_an_id_that_is_none_is_never_asked_for() -> None:
    asking = client(httpx.Response(500))
    for odd in ("", "0", "x", "1/../2", "-1", "9" * 30, "๑"):
        with pytest.raises(Gone):
            await asking.one("issue", odd, ("title",), act="look")
        await asking.retire("issue", odd, act="take away")
    await asking.close()


@pytest.mark.parametrize(
    "data", [{}, {"link": 5}, {"link": "https://x/@poe/"}, {"link": "https://x/@poe/a b?c"}]
)
async def test_a_one_time_address_must_be_one(data: dict[str, object]) -> None:
    asking = client(httpx.Response(200, content=json.dumps({"data": data})))
    with pytest.raises(Unreachable):
        await asking.make("issue", "call:1", {"title": "x"}, act="create")
    await asking.close()
