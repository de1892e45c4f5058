"""Where a name may lead, and that what was looked at is what is connected to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.port import Denied
from crm_bridge.outward import NotThere, Outward, forbidden, networks_of, within_this_machine

INNER = networks_of(["10.20.0.0/16", "fd00::/8"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "169.254.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "198.18.0.1", "192.0.2.7", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1",
        "nonsense",
    ],
)  # fmt: skip
def test_a_name_may_lead_to_none_of_these(address: str) -> None:
    assert forbidden(address, ())


@pytest.mark.parametrize("address", ["1.1.1.1", "203.150.20.1", "2606:4700::1", "64:ff9b::101:101"])
def test_a_name_may_lead_to_the_public_internet(address: str) -> None:
    assert forbidden(address, ()) is None


def test_an_inner_network_is_one_that_is_named() -> None:
    assert forbidden("10.20.3.4", INNER) is None
    assert forbidden("::ffff:10.20.3.4", INNER) is None
    assert forbidden("fd00::5", INNER) is None
    assert forbidden("10.21.0.1", INNER)
    assert forbidden("127.0.0.1", INNER)
    with pytest.raises(ValueError, match="no network"):
        networks_of(["10.20.0.0/99"])


def test_what_is_within_this_machine() -> None:
    assert all(map(within_this_machine, ("localhost", "127.0.0.1", "127.3.0.1", "::1", "[::1]")))
    assert not any(map(within_this_machine, ("localhost.evil.example", "10.0.0.1", "desk", "")))


class Network(httpx.AsyncBaseTransport):
    """Stands for the network: notes what is connected to."""

    def __init__(self, dead: tuple[str, ...] = ()) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.dead = dead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.extensions.get("sni_hostname")
        self.asked.append((request.url.host, request.headers["Host"], name))
        if request.url.host in self.dead:
            raise httpx.ConnectError("dead")
        return httpx.Response(200, json={"ok": 1})


def names(*answers: list[str]) -> Callable[[str, int], asyncio.Future[list[str]]]:
    left = list(answers)

    async def resolve(_host: str, _port: int) -> list[str]:
        return left.pop(0)

    return resolve  # type: ignore[return-value]  # awaited all the same


async def ask(url: str, transport: Outward) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(url)


async def test_what_was_looked_at_is_connected_to_under_its_name() -> None:
    network = Network()
    await ask("https://crm.example/x", Outward(inner=network, resolve=names(["1.1.1.1"])))
    assert network.asked == [("1.1.1.1", "crm.example", "crm.example")]


async def test_a_name_that_answers_otherwise_the_second_time_changes_nothing() -> None:
    """Rebinding: it is asked once for each request, and each answer is looked at."""
    network = Network()
    transport = Outward(inner=network, resolve=names(["1.1.1.1"], ["127.0.0.1"]))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://crm.example/")
        with pytest.raises(NotThere, match="an address of this machine"):
            await client.get("https://crm.example/")
    assert [host for host, _, _ in network.asked] == ["1.1.1.1"]


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    network = Network()
    with pytest.raises(NotThere, match="metadata"):
        await ask(
            "https://crm.example/",
            Outward(inner=network, resolve=names(["1.1.1.1", "169.254.169.254"])),
        )
    assert network.asked == []


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    network = Network(dead=("2606:4700::1",))
    found = await ask(
        "https://crm.example/", Outward(inner=network, resolve=names(["2606:4700::1", "1.1.1.1"]))
    )
    assert found.status_code == 200
    assert [host for host, _, _ in network.asked] == ["2606:4700::1", "1.1.1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.9.8.7", "[::1]"])
async def test_an_address_that_is_written_out_is_meant(host: str) -> None:
    network = Network()
    await ask(f"http://{host}/", Outward(meant=f"http://{host}/api", inner=network))
    assert len(network.asked) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "[::1]", "[fd00:ec2::254]"])
async def test_an_address_that_another_system_writes_is_looked_at(host: str) -> None:
    network = Network()
    transport = Outward(meant="https://sign-in.example/", inner=network)
    with pytest.raises(NotThere):
        await ask(f"https://{host}/token", transport)
    assert network.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
        "[fd00:ec2::254]", "[fe80::1]", "0.0.0.0",
    ],
)  # fmt: skip
async def test_an_address_of_metadata_is_not_meant_even_where_it_is_written_out(host: str) -> None:
    network = Network()
    url = f"http://{host}/latest/meta-data/"
    with pytest.raises(NotThere):
        await ask(url, Outward(meant=url, inner=network))
    assert network.asked == []


async def test_a_redirect_that_is_followed_is_looked_at_too() -> None:
    class Sends(Network):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await super().handle_async_request(request)
            return httpx.Response(302, headers={"Location": "http://inner.example/"})

    network = Sends()
    transport = Outward(inner=network, resolve=names(["1.1.1.1"], ["192.168.0.9"]))
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        with pytest.raises(NotThere, match=r"inner\.example"):
            await client.get("https://crm.example/")
    assert len(network.asked) == 1


@pytest.fixture
async def inner_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on loopback that nobody may be led to."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                     b"Connection: close\r\n\r\n{}")  # fmt: skip
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], heads
    server.close()
    await server.wait_closed()


async def test_a_connector_is_led_to_no_loopback_by_a_name(
    inner_server: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On real sockets: the name of a CRM that its owner lets point at this machine."""
    port, heads = inner_server
    loop = asyncio.get_running_loop()

    async def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    client = JsonHttp(f"http://crm.example:{port}/")
    with pytest.raises(Denied, match="leads to") as caught:
        await client.ask("GET", "x", act="look")
    assert "networks" in caught.value.mend
    await client.close()
    assert heads == []
    named = JsonHttp(f"http://crm.example:{port}/", networks=["127.0.0.1"])
    assert (await named.ask("GET", "x", act="look")).body == {}
    await named.close()
    assert b"Host: crm.example" in heads[0]
