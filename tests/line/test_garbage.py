"""A real Asterisk under what is no SIP, AMI or HTTP: it stays up and goes on serving callers.

Some thousand datagrams in `make test`; with HOTLINE_SOAK=1 a hundred times as many.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from random import Random

import pytest

from ivr.lab import sip
from ivr.lab.address import address
from ivr.lab.asterisk import Lab
from ivr.lab.dialog import ALLOW
from ivr.lab.process import Process
from ivr.lab.stage import Stage
from tests.support.breaking import broken

pytestmark = [pytest.mark.line, pytest.mark.timeout(3600)]

SOAK = bool(os.environ.get("HOTLINE_SOAK"))
DATAGRAMS, CONNECTIONS = (300_000, 2_000) if SOAK else (3_000, 60)
SENDERS = {25: "the carrier", 101: "an officer's telephone", 77: "a stranger"}
"""Last numbers of the addresses that it comes from."""
BREATH = 100
"""Datagrams after which Asterisk is asked whether it still answers."""
SDP = (
    "v=0\r\no=- 1 1 IN IP4 {here}\r\ns=-\r\nc=IN IP4 {here}\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def requests(here: str, server: str) -> list[bytes]:
    """One of each kind, as a telephone would send it."""
    made = []
    for method, number, body in (
        ("INVITE", "0000", SDP), ("INVITE", "1203", SDP), ("REGISTER", "", ""), ("BYE", "1203", ""),
        ("OPTIONS", "", ""), ("SUBSCRIBE", "1001", ""), ("REFER", "1203", ""), ("ACK", "1203", ""),
        ("NOTIFY", "1001", "Signal=1\r\n"), ("INFO", "1203", "Signal=5\r\nDuration=100\r\n"),
        ("MESSAGE", "1203", "hello"), ("PUBLISH", "1001", "<x/>"), ("CANCEL", "1203", ""),
        ("UPDATE", "1203", SDP), ("PRACK", "1203", ""),
    ):  # fmt: skip
        headers = [
            ("Via", f"SIP/2.0/UDP {here}:5060;branch=z9hG4bK{sip.token()};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:1001@{here}>;tag={sip.token()}"),
            ("To", f"<sip:{number or '1001'}@{server}>"),
            ("Call-ID", sip.token()),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:1001@{here}:5060>"),
            ("Allow", ALLOW),
            ("Authorization", 'Digest username="1001", realm="asterisk", nonce="x", response="y"'),
            ("Refer-To", f"<sip:1002@{server}?Replaces=a%3Bto-tag%3Db>"),
            ("P-Asserted-Identity", f'"สมชาย" <sip:0812345678@{here}>'),
            ("Content-Type", "application/sdp"),
        ]
        start = f"{method} sip:{number}{'@' if number else ''}{server} SIP/2.0"
        text = body.format(here=here).encode()
        made.append(sip.Message(start, headers, text).encode())
    answer = sip.response(sip.parse(made[0]) or pytest.fail("no SIP"), 200, tag="x")
    return [*made, answer.encode(), b"\r\n\r\n", b"\0" * 50]


async def answers(lab: Lab) -> None:
    """Asterisk says at its console that it is there."""
    async with asyncio.timeout(10):
        assert "Asterisk" in await lab.cli("core show version")


async def test_garbage_brings_the_line_to_no_end(lab: Lab, on_stage: Stage) -> None:
    before, security = lab.process, lab.instance / "log" / "security"
    assert before is not None
    events = security.read_text("utf-8", "replace").count("SecurityEvent")
    chance = Random(1203)
    sent = 0
    sockets = {}
    for last in SENDERS:
        sockets[last] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[last].bind((address(lab.number, last), 0))
        sockets[last].connect((lab.server, 5060))
    try:
        while sent < DATAGRAMS:
            for last, one in sockets.items():
                data = broken(chance, requests(address(lab.number, last), lab.server))
                with suppress(OSError):
                    one.send(data)
                sent += 1
            if sent % BREATH < len(sockets):
                await answers(lab)
    finally:
        for one in sockets.values():
            one.close()
    # over TCP too: SIP, the manager interface and browsers' telephones
    pieces = {
        5060: requests(address(lab.number, 25), lab.server),
        5038: [b"Action: Login\r\nUsername: hotline\r\nSecret: x\r\n\r\n",
               b"Action: Originate\r\nChannel: PJSIP/1001\r\nExten: s\r\n\r\n",
               b"Action: Command\r\nCommand: core stop now\r\n\r\n"],
        8088: [b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               b"Sec-WebSocket-Protocol: sip\r\n\r\n", b"POST /ari HTTP/1.1\r\nHost: x\r\n\r\n"],
    }  # fmt: skip
    for _ in range(CONNECTIONS):
        for port, right in pieces.items():
            with suppress(OSError):
                _, writer = await asyncio.open_connection(
                    lab.server, port, local_addr=(address(lab.number, 25), 0)
                )
                for _ in range(3):
                    writer.write(broken(chance, right))
                with suppress(OSError):
                    await writer.drain()
                writer.transport.abort()
    await lab.cli("channel request hangup all")
    await on_stage.quiet(60)
    assert lab.process == before == Process.of(before.pid)
    log = lab.log.read_text("utf-8", "replace")
    assert "Got SIGSEGV" not in log
    assert "FRACK" not in log
    # it did read what came: each of these is a request that it took for somebody's
    read = security.read_text("utf-8", "replace").count("SecurityEvent") - events
    assert read > DATAGRAMS / 50
    # and the next caller is served by an officer, as ever
    officer = await on_stage.officer(1002)
    caller, leg = await on_stage.served_by(officer)
    caller.hang_up()
    await leg.ended()
