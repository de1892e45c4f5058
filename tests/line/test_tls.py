"""AMI, SIP and media over TLS on a real Asterisk, with an authority made for the test."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_bridge.commands.witness import Session, Unreachable
from crm_bridge.config import NodeSection
from ivr.ami import actions
from ivr.ami.address import NodeAddress, Tls
from ivr.ami.client import Client
from ivr.ami.errors import ConnectFailed, LinkError
from ivr.ami.feed import Feed
from ivr.lab import sip
from ivr.lab.address import Claim, address
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.root import Root
from ivr.lab.rtp import Media
from ivr.lab.site import Agent, Device
from ivr.lab.stage import Stage
from tests.support.certificates import Authority
from tests.support.live import bridge, bridge_config, caught_up, on_disk
from tests.support.migrated import sqlite_url
from tests.support.srtp import SecureMedia

pytestmark = pytest.mark.line

AMI_TLS, SIP_TLS, WSS = 5039, 5061, 8089
CARRIER_TLS = 20
NAME = "pbx1.lab"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "another")


@pytest.fixture(scope="module")
def lab(
    lab_root: Root, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Lab]:
    """A site that speaks TLS everywhere; officer 1001 and the carrier speak nothing else."""
    claim = Claim.take()

    def configure(place: Lab, destination: Path) -> None:
        keys = place.instance / "keys"
        keys.mkdir()
        files = [*authority.issue(NAME, place.server), authority.file]
        cert, key, ca = (keys / file.name for file in files)
        for file in files:
            (keys / file.name).write_bytes(file.read_bytes())
        ours(
            ami_tls_bind=f"{place.server}:{AMI_TLS}",
            tls_bind=f"{place.server}:{WSS}",
            sip_tls_port=SIP_TLS,
            trunk_tls=True,
            trunk_ca=place.root.inside(ca),
            tls_cert=place.root.inside(cert),
            tls_key=place.root.inside(key),
            agents=(Agent("1001", devices=(Device("1001", tls=True),)), Agent("1002")),
        )(place, destination)

    place = Lab(tmp_path_factory.mktemp("lab"), claim.number, root=lab_root, configure=configure)
    asyncio.run(place.start())
    yield place
    asyncio.run(place.remove())
    claim.release()


def ami(lab: Lab, ca_file: Path | None, name: str | None = NAME) -> NodeAddress:
    return NodeAddress(lab.server, AMI_TLS, "hotline", lab.ami_secret, Tls(ca_file, name))


async def opened(where: NodeAddress) -> Client:
    return await Client.connect(where, Feed({}), lambda _messages, _at: None)


async def test_the_right_authority_and_name_are_let_in(lab: Lab, authority: Authority) -> None:
    for name in (NAME, None):  # None: the address itself, which the certificate has too
        where = ami(lab, authority.file, name)
        client = await opened(where)
        await client.login(where)
        assert (await client.act(actions.ping(client.new_id("ping"))))["Ping"] == "Pong"
        client.close("done", politely=True)


async def test_a_wrong_authority_or_name_is_told_nothing(
    lab: Lab, authority: Authority, another: Authority
) -> None:
    security = lab.instance / "log" / "security"
    before = security.read_text("utf-8")
    for where, why in (
        (ami(lab, another.file), "not trusted"),
        (ami(lab, None), "not trusted"),
        (ami(lab, authority.file, "pbx2.lab"), "Hostname mismatch"),
        (ami(lab, lab.etc / "manager.conf"), "cannot be read as certificates"),
        (ami(lab, lab.etc / "nowhere.pem"), "cannot be read as certificates"),
    ):
        with pytest.raises(ConnectFailed, match=why):
            await opened(where)
    # plain TCP at its TLS port: no banner, and no login goes through
    plain = NodeAddress(lab.server, AMI_TLS, "hotline", lab.ami_secret)
    client = await opened(plain)
    with pytest.raises(LinkError):
        await client.login(plain, seconds=6)
    assert "SuccessfulAuth" not in security.read_text("utf-8")[len(before) :]


def test_the_doctors_own_session_checks_the_same(
    lab: Lab, authority: Authority, another: Authority
) -> None:
    with Session(ami(lab, authority.file)) as session:
        assert session.banner.startswith("Asterisk Call Manager/")
        assert session.login("hotline", lab.ami_secret).good
        assert session.ask("Ping").good
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        Session(ami(lab, another.file))


async def closed(writer: asyncio.StreamWriter) -> None:
    """Ended at once: Asterisk answers no TLS farewell."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Caller:
    """The carrier, over TLS: one call of it, with SRTP or without."""

    def __init__(self, lab: Lab, media: Media, trust: Authority, name: str = "") -> None:
        self.lab = lab
        self.media = media
        self.here = address(lab.number, CARRIER_TLS)
        self._context = ssl.create_default_context(cafile=trust.file)
        self._name = name or lab.server
        self._id, self._tag, self._number = sip.token(), sip.token(), 0
        self._to = f"<sip:1203@{lab.server}>"

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            self.lab.server, SIP_TLS, ssl=self._context, server_hostname=self._name,
            local_addr=(self.here, 0),
        )  # fmt: skip

    def send(self, method: str, body: bytes = b"") -> None:
        if method != "ACK":
            self._number += 1
        port = self.writer.get_extra_info("sockname")[1]
        where = f"<sip:0812345678@{self.here}:{port};transport=tls>"
        headers = [
            ("Via", f"SIP/2.0/TLS {self.here}:{port};branch=z9hG4bK{sip.token()}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:0812345678@{self.here}>;tag={self._tag}"),
            ("To", self._to),
            ("Call-ID", self._id),
            ("CSeq", f"{self._number} {method}"),
            ("Contact", where),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        start = f"{method} sip:1203@{self.lab.server}:{SIP_TLS};transport=tls SIP/2.0"
        self.writer.write(sip.Message(start, headers, body).encode())

    async def final(self) -> sip.Message:
        """The answer to the last request, of those that end it."""
        async with asyncio.timeout(10):
            while True:
                head = await self.reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"^Content-Length:\s*([0-9]+)", head, re.M | re.I)
                body = await self.reader.readexactly(int(found[1]) if found else 0)
                message = sip.parse(head + body)
                if message is not None and message.status >= 200:
                    self._to = message.first("To")
                    return message

    async def call(self) -> int:
        await self.media.open()
        await self.connect()
        self.send("INVITE", self.media.description())
        answer = await self.final()
        self.send("ACK")
        if answer.status == 200:
            self.media.connect(answer.body)
        return answer.status

    async def hang_up(self) -> None:
        self.send("BYE")
        assert (await self.final()).status == 200
        await self.close()

    async def close(self) -> None:
        self.media.close()
        await closed(self.writer)


async def test_a_call_over_tls_and_srtp_is_on_record_by_a_bridge_over_tls(
    lab: Lab, on_stage: Stage, authority: Authority, tmp_path: Path
) -> None:
    """Asterisk understands our keys, and we its voice: what is sent is what the keys say."""
    url = await sqlite_url(tmp_path / "hotline.db")
    config = bridge_config(tmp_path / "hotline.db", lab)
    node = NodeSection(
        name=f"lab{lab.number}", ami_host=lab.server, ami_port=AMI_TLS, ami_secret=lab.ami_secret,
        ami_tls=True, ami_ca_file=authority.file, ami_tls_name=NAME,
    )  # fmt: skip
    async with bridge(config.model_copy(update={"node": [node]})) as app:
        since = on_stage.witness.mark()
        media = SecureMedia(address(lab.number, CARRIER_TLS))
        caller = Caller(lab, media, authority)
        assert await caller.call() == 200
        await on_stage.menu(since=since)
        await media.press("2")
        await on_stage.joined(since=since)
        await caller.hang_up()
        await caught_up(app)
    assert media.opened > 20
    assert media.received == 0, "a packet that our key does not open"
    (call,) = await on_disk(url)
    assert "0812345678" in json.dumps(call)
    assert call["service"] == "information"


async def test_a_call_without_srtp_is_refused(lab: Lab, authority: Authority) -> None:
    caller = Caller(lab, Media(address(lab.number, CARRIER_TLS)), authority)
    assert await caller.call() == 488
    await caller.close()


async def test_sip_over_tls_shows_the_sites_certificate(
    lab: Lab, authority: Authority, another: Authority
) -> None:
    for trust, name in ((another, ""), (authority, "pbx2.lab")):
        with pytest.raises(ssl.SSLCertVerificationError):
            await Caller(lab, Media(lab.server), trust, name).connect()


async def test_a_telephone_that_must_have_srtp_gets_no_call_without(
    lab: Lab, on_stage: Stage
) -> None:
    """1001 registers, without TLS, and calls as any telephone would: in the clear."""
    telephone = await on_stage.officer(1001)
    leg = await telephone.call("1002")
    await leg.ended()
    assert leg.refusal == 488


async def test_browsers_telephones_come_over_wss(lab: Lab, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.file)
    reader, writer = await asyncio.open_connection(
        lab.server, WSS, ssl=context, server_hostname=NAME
    )
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: sip\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b" 101 " in await asyncio.wait_for(reader.readline(), 5)
    await closed(writer)


@pytest.mark.parametrize("port", [AMI_TLS, SIP_TLS, WSS])
def test_nothing_older_than_1_2_is_spoken(lab: Lab, port: int) -> None:
    """By openssl's own client, which is told to accept the oldest of everything."""
    for version, wanted in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True)):
        said = subprocess.run(
            ["openssl", "s_client", "-connect", f"{lab.server}:{port}", version, "-cipher",
             "ALL:@SECLEVEL=0"],
            input=b"", capture_output=True, timeout=15, check=False,
        )  # fmt: skip
        spoken = re.search(rb"Cipher is (?!\(NONE\))", said.stdout) is not None
        assert spoken is wanted, (port, version, said.stdout[-300:])
