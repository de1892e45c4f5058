"""The SMTP gateway against a server on loopback that answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from crm_bridge.outgoing.gateways import GatewayBusy, GatewayRefusal
from crm_bridge.outgoing.mail import SmtpGateway
from tests.support.messages import sms

MAIL = sms(kind="email", to="somchai@example.th", subject="นัดหมาย", text="เรียน คุณสมชาย")


@dataclass
class Server:
    """A few commands of RFC 5321; `answers` overrides what is said to one of them."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    mail: bytes = b""
    calls: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():  # an empty one: the client has gone
            word = line.split()[0].upper().decode()
            self.said.append(line.decode().strip())
            if word == "DATA" and word not in self.answers:
                writer.write(b"354 go on\r\n")
                self.mail = await reader.readuntil(b"\r\n.\r\n")
                writer.write(self.answers.get("END", b"250 taken\r\n"))
                continue
            plain = {"EHLO": b"250-here\r\n250 8BITMIME\r\n", "QUIT": b"221 bye\r\n"}
            writer.write(self.answers.get(word, plain.get(word, b"250 ok\r\n")))
            if word == "QUIT":
                break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def server(**answers: bytes) -> AsyncIterator[Server]:
    made = Server(answers=answers)
    listening = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made
        async with asyncio.timeout(10):
            await asyncio.gather(*made.calls)


def gateway(port: int, security: str = "none") -> SmtpGateway:
    return SmtpGateway(
        "127.0.0.1", port, sender="no-reply@moc.example", security=security, seconds=5
    )


async def test_an_e_mail_is_handed_over_to_one_recipient():
    async with server() as there:
        assert await gateway(there.port).send(MAIL) == "<m1@moc.example>"
    assert [line for line in there.said if line.startswith("RCPT")] == [
        "RCPT TO:<somchai@example.th>"
    ]
    assert b"Message-ID: <m1@moc.example>" in there.mail


@pytest.mark.parametrize(
    ("word", "answer", "error"),
    [
        ("RCPT", b"550 nobody\r\n", GatewayRefusal),
        ("RCPT", b"450 later\r\n", GatewayBusy),
        ("MAIL", b"421 going\r\n", GatewayBusy),
        ("MAIL", b"530 log in first\r\n", GatewayBusy),
        ("DATA", b"554 never\r\n", GatewayRefusal),
        ("END", b"452 full\r\n", GatewayBusy),
        ("END", b"552 too large\r\n", GatewayRefusal),
    ],
)
async def test_what_is_tried_again_and_what_is_given_up(word, answer, error):
    async with server(**{word: answer}) as there:
        with pytest.raises(error) as raised:
            await gateway(there.port).send(MAIL)
    assert "somchai" not in str(raised.value)


async def test_nothing_is_sent_in_the_clear_where_encryption_is_asked_for():
    async with server() as there:
        with pytest.raises(GatewayBusy):
            await gateway(there.port, "starttls").send(MAIL)
    assert not any(line.startswith(("MAIL", "DATA")) for line in there.said)
