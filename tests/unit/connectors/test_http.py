"""The HTTP client of the connectors, against a server that fails in every way there is."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import json
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crm_bridge.connectors.http import JsonHttp, hidden, said
from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Then,
    Unreachable,
    Unsettled,
)
from crm_bridge.errors import ConfigMistake
from tests.support.ports import free_port

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What it was asked, and how it behaves."""

    port: int = 0
    behaviour: Behaviour | None = None
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.splitlines()
                        if line.lower().startswith("content-length:")
                    ),
                    0,
                )
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(length))
                assert self.behaviour
                await self.behaviour(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def client(self, **options: object) -> JsonHttp:
        return JsonHttp(f"http://127.0.0.1:{self.port}/base/", **options)  # type: ignore[arg-type]  # the tests' own keywords


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as made:
        yield made


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    made = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        await made.serve(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(
    body: bytes | str | object,
    status: str = "200 OK",
    kind: str = "application/json",
    more: str = "",
) -> Behaviour:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()

    async def behave(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\n{more}"
        writer.write(head.encode() + b"\r\n" + raw)

    return behave


def writes(raw: bytes, then: str = "close") -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if then == "reset":
            of_the_socket = writer.get_extra_info("socket")
            of_the_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()

    return behave


async def failed(client: JsonHttp, **options: object) -> ConnectorError:
    """The error of one POST, whose text names the host and the act."""
    try:
        with pytest.raises(ConnectorError) as caught:
            await client.ask("POST", "things", act="create a thing", **options)  # type: ignore[arg-type]  # the tests' own keywords
    finally:
        await client.close()
    assert caught.value.where == client.host
    assert caught.value.what.startswith("create a thing: ")
    return caught.value


async def test_a_request_goes_as_it_was_meant_and_its_json_comes_back(server: Server) -> None:
    server.behaviour = answers({"name": "สมชาย"}, more="ETag: 7\r\n")
    client = server.client(auth=("desk", "secret"), headers={"X-Ours": "1"})
    answer = await client.ask(
        "POST",
        "/data/issue",
        act="create",
        query={"phone:": "+66812345678", "@n": 1},
        body={"title": "สวัสดี"},
    )
    await client.close()
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, {"name": "สมชาย"}, "7")
    head = server.heads[0].lower()
    assert server.heads[0].startswith("POST /base/data/issue?phone%3A=%2B66812345678&%40n=1 ")
    assert "content-type: application/json\r\n" in head
    assert "authorization: basic zgvzazpzzwnyzxq=" in head
    assert "x-ours: 1" in head
    assert json.loads(server.bodies[0]) == {"title": "สวัสดี"}


async def test_nobody_listens() -> None:
    error = await failed(JsonHttp(f"http://127.0.0.1:{free_port()}"))
    assert type(error) is Unreachable
    assert "nothing was sent" in error.what
    assert error.mend


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": 1',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n',
        b"220 mail.example ESMTP\r\n",
    ],
    ids=["at once", "in the head", "in the body", "in a chunk", "not HTTP"],
)
@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_answer_that_breaks_off_leaves_its_effect_unknown(
    server: Server, raw: bytes, then: str
) -> None:
    server.behaviour = writes(raw, then)
    error = await failed(server.client())
    assert type(error) is Unreachable
    assert error.then is Then.RETRY
    assert "whether it took effect is unknown" in error.what


async def test_an_answer_that_trickles_is_cut_off_at_the_limit_of_the_whole(server: Server) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.behaviour = trickle
    loop = asyncio.get_running_loop()
    began = loop.time()
    error = await failed(server.client(seconds=0.3))
    assert loop.time() - began < 2
    assert type(error) is Unreachable
    assert "in 0.3 s" in error.what
    assert "unknown" in error.what


async def test_a_client_goes_on_after_a_failure(server: Server) -> None:
    client = server.client(seconds=0.2)

    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    for behaviour in (silence, writes(b"", "reset"), writes(b"nonsense\r\n\r\n")):
        server.behaviour = behaviour
        with pytest.raises(Unreachable):
            await client.ask("GET", "x", act="look")
    server.behaviour = answers({"ok": 1})
    assert (await client.ask("GET", "x", act="look")).body == {"ok": 1}
    await client.close()


async def test_the_callers_own_limit_is_not_taken_for_a_failure_of_the_crm(server: Server) -> None:
    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server.behaviour = silence
    client = server.client(seconds=60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.ask("GET", "x", act="look")
    await client.close()


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_end_is_not_read(server: Server, packed: bool) -> None:
    body = b'"' + b"a" * 200_000 + b'"'
    more = "Content-Encoding: gzip\r\n" if packed else ""
    server.behaviour = answers(gzip.compress(body) if packed else body, more=more)
    error = await failed(server.client(most_bytes=100_000))
    assert type(error) is Unreachable
    assert "more than 100,000 bytes" in error.what
    client = server.client(most_bytes=300_000)
    assert len((await client.ask("GET", "x", act="look")).body) == 200_000
    await client.close()


async def test_a_refusal_that_is_too_long_to_read_is_one_all_the_same(server: Server) -> None:
    server.behaviour = answers(b"x" * 200_000, "400 Bad Request")
    assert type(await failed(server.client(most_bytes=1000))) is Rejected


LOGIN = b"<html><form><input name=u><input type='password' name=p></form></html>"
PROXY = b"<html><head><title>Gateway</title></head><body>upstream went away</body></html>"


@pytest.mark.parametrize(
    ("behaviour", "expected", "words"),
    [
        (answers(LOGIN, kind="text/html"), Denied, "a login page"),
        (answers(PROXY, kind="text/html; charset=utf-8"), Unreachable, "text/html instead of JSON"),
        (answers(b'{"id": 1', kind="application/json"), Unreachable, "instead of JSON"),
        (answers(b"", kind="application/json"), Unreachable, "nothing instead of JSON"),
        (answers(b"\xff\xfe\x00", kind="application/json"), Unreachable, "instead of JSON"),
        (answers(b"[" * 100_000, kind="application/json"), Unreachable, "instead of JSON"),
    ],
    ids=["login", "proxy", "half", "empty", "no text", "deep"],
)
async def test_a_2xx_without_json_is_not_trusted(
    server: Server, behaviour: Behaviour, expected: type[ConnectorError], words: str
) -> None:
    server.behaviour = behaviour
    error = await failed(server.client())
    assert type(error) is expected
    assert words in error.what


async def test_an_answer_may_be_empty_where_that_is_agreed(server: Server) -> None:
    client = server.client()
    server.behaviour = writes(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    assert (await client.ask("DELETE", "x", act="remove")).status == 204
    server.behaviour = answers(b"thank you", "202 Accepted", "text/plain")
    assert (await client.ask("POST", "x", act="tell", empty=True)).status == 202
    await client.close()


JSON_KIND = "application/json"


@pytest.mark.parametrize(
    ("status", "kind", "more", "expected", "wait"),
    [
        (400, JSON_KIND, "", Rejected, None),
        (401, JSON_KIND, "", Denied, None),
        (402, JSON_KIND, "", Rejected, None),
        (403, JSON_KIND, "", Denied, None),
        (403, "text/html", "", Denied, None),
        (404, JSON_KIND, "", Gone, None),
        (404, "text/html", "", Denied, None),
        (405, "text/html", "", Denied, None),
        (405, JSON_KIND, "", Rejected, None),
        (407, "text/html", "", Denied, None),
        (408, JSON_KIND, "", Unreachable, None),
        (408, JSON_KIND, "Retry-After: 3\r\n", Busy, 3.0),
        (409, JSON_KIND, "", Unsettled, None),
        (410, JSON_KIND, "", Gone, None),
        (412, JSON_KIND, "", Unsettled, None),
        (413, "text/html", "", Rejected, None),
        (422, JSON_KIND, "", Rejected, None),
        (423, JSON_KIND, "", Unsettled, None),
        (425, JSON_KIND, "Retry-After: 1\r\n", Busy, 1.0),
        (429, JSON_KIND, "", Busy, None),
        (429, JSON_KIND, "Retry-After: 120\r\n", Busy, 120.0),
        (429, JSON_KIND, "Retry-After: soon\r\n", Busy, None),
        (429, JSON_KIND, "Retry-After: 99999999999\r\n", Busy, None),
        (
            429,
            JSON_KIND,
            "Date: Tue, 24 Nov 2026 00:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 00:01:30 GMT\r\n",
            Busy,
            90.0,
        ),
        (429, JSON_KIND, "Retry-After: Tue, 24 Nov 2026 00:01:30 GMT\r\n", Busy, None),
        (500, JSON_KIND, "", Unreachable, None),
        (502, "text/html", "", Unreachable, None),
        (503, "text/html", "", Unreachable, None),
        (503, "text/html", "Retry-After: 60\r\n", Busy, 60.0),
        (504, "text/html", "", Unreachable, None),
    ],
)
async def test_each_status_says_how_to_go_on(
    server: Server,
    status: int,
    kind: str,
    more: str,
    expected: type[ConnectorError],
    wait: float | None,
) -> None:
    body = b'{"message": "no"}' if kind == JSON_KIND else b"<title>no</title>"
    server.behaviour = answers(body, f"{status} No", kind, more)
    error = await failed(server.client(), body={"a": 1})
    assert type(error) is expected
    assert error.wait == wait
    assert f"HTTP {status} (no)" in error.what
    assert error.mend
    assert ("unknown" in error.what) == (expected is Unreachable)


async def test_a_status_that_the_caller_names_is_an_answer_if_the_crm_itself_gave_it(
    server: Server,
) -> None:
    client = server.client()
    server.behaviour = answers({"error": 1}, "404 Not Found")
    assert (await client.ask("GET", "x", act="look", accept={404})).body == {"error": 1}
    server.behaviour = answers(PROXY, "404 Not Found", "text/html")
    with pytest.raises(Denied):
        await client.ask("GET", "x", act="look", accept={404})
    await client.close()


async def test_no_redirect_is_followed_and_only_its_host_is_named(server: Server) -> None:
    async with running() as other:
        other.behaviour = answers({})
        more = f"Location: http://127.0.0.1:{other.port}/login?next=secret\r\n"
        server.behaviour = answers(b"", "302 Found", "text/html", more)
        error = await failed(server.client())
        assert other.heads == []
    assert type(error) is Denied
    assert f"http://127.0.0.1:{other.port}" in error.what
    assert "next" not in str(error)


async def test_no_log_holds_what_was_asked(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.behaviour = answers({}, more="Set-Cookie: session=4711\r\n")
    client = server.client()
    with caplog.at_level(logging.DEBUG):
        await client.ask("GET", "x", act="look", query={"phone": "0812345678"})
    await client.close()
    assert "0812345678" not in caplog.text
    assert "4711" not in caplog.text


async def test_a_cookie_is_not_kept(server: Server) -> None:
    server.behaviour = answers({}, more="Set-Cookie: session=1; Path=/\r\n")
    client = server.client()
    for _ in range(2):
        assert (await client.ask("GET", "x", act="look")).headers["Set-Cookie"]
    await client.close()
    assert "cookie" not in server.heads[1].lower()


async def test_a_proxy_of_the_environment_is_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    server.behaviour = answers({})
    client = server.client()
    assert (await client.ask("GET", "x", act="look")).ok
    await client.close()


SENT = {"phone": "+66812345678", "name": "สมหญิง ใจดี", "title": "Lost parcel", "n": [{"id": 4711}]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"message": "phone '+66812345678' is not valid"}, "phone '…' is not valid"),
        ({"message": "phone 081-234 5678 is not valid"}, "phone … is not valid"),
        ({"error": {"msg": "สมหญิง is taken"}}, "… is taken"),
        ({"error": {"msg": "ชื่อคุณสมหญิงซ้ำ"}}, "ชื่อคุณ…ซ้ำ"),
        (["title PARCEL too long"], "title … too long"),
        ({"errors": [{"detail": "write to a.b@example.org"}]}, "write to …"),
        ({"status": 400, "reason": "no such 4711"}, "no such …"),
        ({"message": "a\n b  c"}, "a b c"),
        ({"code": 5}, ""),
    ],
)
async def test_the_servers_own_words_come_without_what_was_sent(
    server: Server, body: object, told: str
) -> None:
    server.behaviour = answers(body, "422 No")
    error = await failed(server.client(), body=SENT)
    assert error.what == "create a thing: HTTP 422" + (f" ({told})" if told else "")


def test_words_are_short() -> None:
    assert len(said({"message": "word " * 500})) == 200
    assert hidden("kept as it is") == "kept as it is"


async def test_a_query_is_not_told_either(server: Server) -> None:
    server.behaviour = answers(b"<title>not found: Somchai</title>", "400 Bad", "text/html")
    error = await failed(server.client(), query={"name": "somchai"})
    assert "omchai" not in str(error)


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate that nobody vouches for, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "ours.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


async def test_a_certificate_must_be_vouched_for(tmp_path: Path) -> None:
    file, context = certificate(tmp_path)
    async with running(context) as server:
        server.behaviour = answers({"ok": 1})
        address = f"https://localhost:{server.port}"
        error = await failed(JsonHttp(address))
        assert type(error) is Denied
        assert "certificate is not trusted" in error.what
        assert "ca_file" in error.mend
        assert server.heads == []
        client = JsonHttp(address, ca_file=file)
        assert (await client.ask("GET", "x", act="look")).body == {"ok": 1}
        await client.close()


@pytest.mark.parametrize(
    "address",
    [
        "crm.example",
        "ftp://crm.example",
        "http://",
        "http://a:b@crm.example/",
        "http://crm.example/?x=1",
        "http://crm.example:port/",
    ],
)
def test_an_address_that_cannot_be_used_is_a_mistake_of_the_configuration(address: str) -> None:
    with pytest.raises(ConfigMistake):
        JsonHttp(address)


def test_a_file_of_certificates_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(ConfigMistake, match="certificates"):
            JsonHttp("https://crm.example", ca_file=tmp_path / name)
