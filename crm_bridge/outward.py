"""Where the bridge may connect to: a name's addresses are looked at, and those very ones connected.

An address that stands in hotline.toml itself (`https://10.1.2.3`, `localhost`) is meant. A name is
not an address: whoever answers for it could lead the bridge, with its secret and a caller's data,
to this machine, to the inner network, or to a cloud's metadata. So every address that a name gives,
or that another system writes (a redirect, a provider's description), must be a public one, or lie
in `networks` of the section; and what is connected is what was looked at, so a name that answers
otherwise the second time changes nothing. TLS still asks for the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import httpx

from crm_bridge.errors import ConfigMistake

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port → the addresses, in the order in which they are tried. Raises OSError."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_HERE: Final = "localhost"
_METADATA: Final = ipaddress.IPv6Address("fd00:ec2::254")
"""Where a cloud answers outside the link-local addresses."""


class NotThere(httpx.ConnectError):
    """The name leads to where the bridge may not connect; nothing was sent."""

    mend: Final = "name its network in `networks` of the section, if that is where it is"


def trusted(ca_file: Path | None = None) -> ssl.SSLContext:
    """The usual authorities, those of this system, and the office's own; raises ConfigMistake."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigMistake(
                f"cannot be read as certificates: {error.strerror or error}",
                where=str(ca_file),
                mend="give a PEM file that the bridge's user may read",
            ) from error
    return context


def within_this_machine(host: str) -> bool:
    """Whether a host as it is written is this machine: nobody on a network reads what is sent."""
    if host == _HERE:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def networks_of(written: Sequence[str]) -> tuple[Network, ...]:
    """Networks (`10.0.0.0/8`) or addresses as hotline.toml has them; ValueError names the wrong."""
    found: list[Network] = []
    for one in written:
        try:
            found.append(ipaddress.ip_network(one))
        except ValueError:
            raise ValueError(f"{one!r} is no network (10.0.0.0/24) and no address") from None
    return tuple(found)


def forbidden(address: str, networks: Sequence[Network]) -> str | None:
    """Why an address that a name gave is not connected to, or None where it may be."""
    try:
        real = _within(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "no address"
    if any(real in network for network in networks if network.version == real.version):
        return None
    if real.is_loopback:
        return "an address of this machine"
    if real.is_link_local:
        return "a link-local address, where clouds keep their metadata"
    if real.is_global and not (real.is_multicast or real.is_reserved or real.is_unspecified):
        return None
    return "no public address"


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _as_written(host: str, meant: str, networks: Sequence[Network]) -> bool:
    """Whether the host is the address that hotline.toml itself names, and one to connect to."""
    if host != meant:
        return False
    if host == _HERE:
        return True
    try:
        written = _within(ipaddress.ip_address(host))
    except ValueError:
        return False
    odd = (
        written.is_link_local
        or written.is_multicast
        or written.is_unspecified
        or written == _METADATA
    )
    return not odd or forbidden(host, networks) is None


async def _resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Outward(httpx.AsyncBaseTransport):
    """The network as the bridge may use it, for one other system.

    One host each: kept connections are told apart by address alone. Redirects are the client's to
    follow or not; where one is followed, its host is looked at here as any other.
    """

    def __init__(
        self,
        networks: Sequence[Network] = (),
        *,
        meant: str = "",
        verify: ssl.SSLContext | bool = True,
        inner: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = _resolved,
    ) -> None:
        """`meant`: the URL of hotline.toml, for an address written out in it; `verify`: what checks
        certificates; `inner`, `resolve`: for tests.
        """
        self._networks = tuple(networks)
        self._meant = httpx.URL(meant).host
        self._resolve = resolve
        self._inner = inner or httpx.AsyncHTTPTransport(
            verify=verify,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request to an address of its host that was looked at. Raises NotThere."""
        host = request.url.host
        if _as_written(host, self._meant, self._networks):
            return await self._inner.handle_async_request(request)
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        for address in addresses:
            why = forbidden(address, self._networks)
            if why is not None:
                raise NotThere(f"{host} leads to {address}, {why}", request=request)
        request.extensions = {**request.extensions, "sni_hostname": host}
        name = request.url
        for address in addresses[:-1]:
            try:
                return await self._at(address, name, request)
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent: the next one
                continue
        if not addresses:
            raise httpx.ConnectError(f"{host} has no address", request=request)
        return await self._at(addresses[-1], name, request)

    async def _at(self, address: str, name: httpx.URL, request: httpx.Request) -> httpx.Response:
        """The Host header and the certificate's name stay those of the request."""
        request.url = name.copy_with(host=address)
        try:
            return await self._inner.handle_async_request(request)
        finally:
            request.url = name

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._inner.aclose()
