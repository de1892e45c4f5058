"""What a message may be, how long it is, when it is tried again, and the e-mail it becomes."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.config import Config
from crm_bridge.config_outside import MailSection, MessagesSection
from crm_bridge.errors import Refused
from crm_bridge.outgoing.delivery import Retrying
from crm_bridge.outgoing.gateways import FileGateway, GatewayBusy, GatewayRefusal, HttpGateway
from crm_bridge.outgoing.mail import SmtpGateway, compose
from crm_bridge.outgoing.messages import check_address, check_number, parts
from crm_bridge.outgoing.outlets import gateways
from crm_bridge.plain_text import plain_line, plain_text
from tests.support.messages import sms

INVITATION = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ก" * 70, 1),
        ("ก" * 71, 2),
        ("ก" * 134, 2),
        ("ก" * 135, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_the_parts_of_a_text_message(text, count):
    assert parts(text) == count


@given(st.text(max_size=400))
def test_what_was_typed_is_fit_to_keep_whatever_it_is(text):
    kept = plain_text(text)
    kept.encode()
    assert "\r" not in kept
    assert "\0" not in kept
    assert plain_text(kept) == kept
    assert "\n" not in plain_line(text)


def test_marks_that_turn_the_writing_go_and_thai_stays():
    assert plain_line("น้ำ\u202e\u200bใจ\r\nBcc: x@y.th\x00") == "น้ำ\u200bใจ Bcc: x@y.th"
    assert plain_text("\ud800ก") == "?ก"
    assert plain_text("e\x00\u0301") == "é"


@pytest.mark.parametrize("good", ["a@b.th", "somchai.jaidee+1203@moc.go.th"])
def test_an_address(good):
    assert check_address(good) == good


@pytest.mark.parametrize(
    "bad",
    ["", "a", "a@b", "a@b.th\n", "a@b.th\r\nBcc: c@d.th", "a b@c.th", "<a@b.th>", "a@b.th,c@d.th",
     "a..b@c.th", "ก@b.th", "a@" + "b" * 260 + ".th", "a@-b.th"],
)  # fmt: skip
def test_no_address(bad):
    with pytest.raises(Refused) as refused:
        check_address(bad)
    assert refused.value.fields == {"email": (refused.value.th, refused.value.en)}


@pytest.mark.parametrize(
    "bad", ["0812345678", "+0812345678", "+66 81", "+๖๖๘๑๒๓๔๕๖๗๘", "+66812345678\n"]
)
def test_no_number(bad):
    with pytest.raises(Refused):
        check_number(bad)


def test_waits_grow_to_their_cap_and_end():
    policy = Retrying(first=10, most=3600, tries=12)
    waits = [policy.wait(n) for n in range(1, 13)]
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-3:] == [3600, 3600, None]
    assert policy.wait(1, asked=60) == 60
    assert policy.wait(1, asked=1e9) == 3600


async def test_the_file_gateway_writes_one_file_for_the_owner_alone(tmp_path):
    gateway = FileGateway(tmp_path / "outbox")
    name = await gateway.send(sms())
    assert await gateway.send(sms()) == name
    (file,) = (tmp_path / "outbox").iterdir()
    assert '"นัดหมายของท่าน"' in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "flat").write_text("")
    with pytest.raises(GatewayBusy):
        await FileGateway(tmp_path / "flat").send(sms())


def over_http(answer, **options):
    return HttpGateway(
        "https://sms.example/send", transport=httpx.MockTransport(answer), sender="1203", **options
    )


async def test_the_http_gateway_hands_the_message_over_once_by_its_id():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={"message_id": 77})

    gateway = over_http(answer, secret="drawn")
    assert await gateway.send(sms()) == "77"
    await gateway.close()
    (request,) = seen
    assert request.headers["Authorization"] == "Bearer drawn"
    assert request.headers["Idempotency-Key"] == "m1"
    assert request.read().decode().count("+66812345678") == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_what_the_http_gateway_tries_again(status):
    gateway = over_http(lambda _: httpx.Response(status, headers={"Retry-After": "30"}))
    with pytest.raises(GatewayBusy) as busy:
        await gateway.send(sms())
    assert busy.value.wait == 30
    await gateway.close()


@pytest.mark.parametrize("status", [302, 400, 404, 422])
async def test_what_the_http_gateway_gives_up(status):
    gateway = over_http(lambda _: httpx.Response(status, headers={"Location": "https://x.example"}))
    with pytest.raises(GatewayRefusal):
        await gateway.send(sms())
    await gateway.close()


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("slow")])
async def test_a_provider_that_is_not_there_is_tried_again(error):
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    gateway = over_http(answer)
    with pytest.raises(GatewayBusy) as busy:
        await gateway.send(sms())
    assert "+66812345678" not in str(busy.value)
    await gateway.close()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": null}'])
async def test_a_provider_that_gives_no_reference(body):
    gateway = over_http(lambda _: httpx.Response(200, content=body))
    assert await gateway.send(sms()) == ""
    await gateway.close()


def test_an_e_mail_is_read_back_with_its_invitation():
    given = sms(
        kind="email",
        to="somchai@example.th",
        subject="นัดหมายปรึกษาเชิงลึก " + "ก" * 90,
        text="เรียน คุณสมชาย\nวันที่ 1",
        calendar=INVITATION,
    )
    mail = message_from_bytes(compose(given, "no-reply@moc.example").as_bytes(), policy=default)
    assert mail["Subject"] == given.subject
    assert mail["To"] == "somchai@example.th"
    assert mail["Message-ID"] == "<m1@moc.example>"
    assert mail.get_body(("plain",)).get_content().split() == given.text.split()
    offer = next(p for p in mail.walk() if p.get_content_type() == "text/calendar")
    assert offer.get_param("method") == "REQUEST"
    assert offer.get_payload(decode=True) == INVITATION
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "invitation.ics"


def test_a_line_break_in_a_subject_makes_no_header():
    given = sms(kind="email", to="a@b.th", subject="x\r\nBcc: c@d.th")
    with pytest.raises(ValueError, match="linefeed"):
        compose(given, "no-reply@moc.example")


async def test_the_gateways_are_those_of_the_configuration(tmp_path):
    plain = gateways(Config())
    assert {k: g.name for k, g in plain.items()} == {"sms": "file", "email": "file"}
    secret = tmp_path / "secret"
    secret.write_text("drawn\n")
    config = Config(
        messages=MessagesSection(gateway="http", url="https://x.example", token_file=secret),
        mail=MailSection(gateway="smtp", host="127.0.0.1", port=1, sender="a@b.th"),
    )
    made = gateways(config)
    assert {k: g.name for k, g in made.items()} == {"sms": "http", "email": "smtp"}
    assert isinstance(made["email"], SmtpGateway)
    with pytest.raises(GatewayBusy):
        await made["email"].send(sms(kind="email", to="a@b.th", subject="s"))
    for gateway in made.values():
        await gateway.close()


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (MessagesSection, {"gateway": "http"}),
        (MessagesSection, {"gateway": "http", "url": "ftp://x"}),
        (MailSection, {"gateway": "smtp"}),
        (MailSection, {"sender": "a@b.th\nBcc: c"}),
        (MailSection, {"sender": "nobody"}),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(section, values):
    with pytest.raises(ValueError, match=r"messages\.url|mail\."):
        section(**values)
