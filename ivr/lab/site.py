"""What one site of the hotline has and another has not: names, numbers, addresses, paths, times."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

QUEUES: Final = ("complaint", "information", "appointment", "market_information")
"""Queue names, each also the name of its service."""

QUEUE_NUMBERS: Final = {
    "complaint": "6001",
    "information": "6002",
    "appointment": "6003",
    "market_information": "6004",
}
"""What officers dial to hand a caller into a queue (`queues-SERVICE.conf`)."""

MANAGER_EVENTS: Final = (
    "Newchannel",
    "Newstate",
    "NewCallerid",
    "Rename",
    "DTMFEnd",
    "DialBegin",
    "DialEnd",
    "BridgeEnter",
    "BridgeLeave",
    "Hold",
    "Unhold",
    "HangupRequest",
    "SoftHangupRequest",
    "Hangup",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueCallerAbandon",
    "AgentCalled",
    "AgentConnect",
    "AgentRingNoAnswer",
    "BlindTransfer",
    "AttendedTransfer",
    "Pickup",
    "ParkedCall",
    "UnParkedCall",
    "ParkedCallTimeOut",
    "ParkedCallGiveUp",
    "LocalBridge",
    "ChanSpyStart",
    "ChanSpyStop",
    "QueueMemberAdded",
    "QueueMemberRemoved",
    "QueueMemberPause",
    "ExtensionStatus",
    "UserEvent",
    "FullyBooted",
    "Shutdown",
)
"""Events the manager user is sent: what ivr/events decodes. Asterisk drops the rest itself."""

_ALL: Final = 100
"""Percent."""
_HOST_PORT: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):[0-9]{1,5}")


class InstallError(ValueError):
    """The site cannot be installed; the message names the value and the mend."""


@dataclass(frozen=True, slots=True)
class Device:
    """One telephone: it registers with a password, or (address given) stands at a fixed address."""

    name: str
    address: str | None = None
    """`host` or `host:port`; the telephone is then known by its address and needs no password."""
    webrtc: bool = False
    tls: bool = False
    """It speaks SIP over TLS and SRTP (keys by SDES): a call without SRTP is refused."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An officer of the call centre and his telephones; by default one named as he is."""

    id: str
    name: str = ""
    devices: tuple[Device, ...] = ()
    outbound: bool = False
    """The named permission to call out over the trunk."""
    records_prompts: bool = False
    """The named permission to record prompts by telephone (`dialplan/prompts.conf`)."""
    via: str = "direct"
    """How queues ring him: `direct`, `local` (Local/ID@agent-local/n), `devices` (all at once)."""

    def telephones(self) -> tuple[Device, ...]:
        """His devices, one named as he is where none is given."""
        return self.devices or (Device(self.id),)


def _default_agents() -> tuple[Agent, ...]:
    direct = (Agent(str(number)) for number in (*range(1001, 1008), 1010))
    return (
        *direct,
        Agent("1008", devices=(Device("1008a"), Device("1008b")), via="devices"),
        Agent("1009", via="local"),
        Agent("1011", devices=(Device("1011", webrtc=True),)),
    )


@dataclass(frozen=True, slots=True)
class Site:
    """One site. Times in seconds; paths as Asterisk sees them."""

    # --- names and numbers
    office: str = "สายด่วน 1203 กระทรวงพาณิชย์"
    systemname: str = "pbx1"
    language: str = "th"
    numbers: tuple[str, ...] = ("1203", "021203", "+6621203")
    agents: tuple[Agent, ...] = field(default_factory=_default_agents)
    static_members: bool = True
    """Officers are members of every queue from the start; else they are added by QueueAdd."""

    # --- SIP, media, web, manager
    sip_bind: str = "0.0.0.0"  # noqa: S104  # a PBX listens to its telephones; sip_permit is the guard
    sip_port: int = 5060
    sip_permit: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
    trunk_match: tuple[str, ...] = ("192.0.2.1",)
    """Addresses the carrier (or SIPp) calls from."""
    trunk_host: str = "192.0.2.1:5060"
    """Where calls out go, for officers who have the permission."""
    agency_addresses: Mapping[str, str] = field(default_factory=dict)
    """Agency number → `host` or `host:port` of its own telephone (endpoint PJSIP/NUMBER)."""
    agency_trunk: str | None = None
    """`host:port` of the ministry's PBX for all other agencies; None: they are not reachable."""
    codecs: str = "ulaw,alaw"
    connected_line: bool = True
    """False for telephones that cannot stand a re-INVITE after the answer (SIPp)."""
    qualify: int = 60
    http_bind: str = "127.0.0.1"
    http_port: int = 8088
    tls_bind: str | None = None
    """`host:port` for wss, with tls_cert and tls_key."""
    sip_tls_port: int | None = None
    """SIP over TLS is listened for here, with tls_cert and tls_key: Device.tls, trunk_tls."""
    trunk_tls: bool = False
    """The carrier speaks SIP over TLS and SRTP, both ways, and nothing else is taken from it."""
    trunk_ca: str = ""
    """Authorities (PEM) that vouch for the carrier's certificate; needed with trunk_tls."""
    ami_tls_bind: str | None = None
    """`host:port` where AMI speaks TLS, with tls_cert and tls_key; ami_bind stays beside it."""
    tls_cert: str = "/etc/asterisk/keys/hotline.crt"
    tls_key: str = "/etc/asterisk/keys/hotline.key"
    rtp_start: int = 10000
    rtp_end: int = 20000
    ami_bind: str = "127.0.0.1"
    ami_port: int = 5038
    ami_permit: tuple[str, ...] = ("127.0.0.0/255.0.0.0",)
    manager_events: tuple[str, ...] = MANAGER_EVENTS
    manager_filtered: bool = True
    """False: the manager user gets every event (benchmarks)."""

    menu: Path | None = None
    """The site's own menus, a file as `dialplan/menu.toml` is; None: that one. In a site file it is
    looked for beside that."""
    selfservice: str = ""
    """`host:port` where the bridge listens for self-service ([selfservice] of hotline.toml); empty:
    callers who ask for the status of a ticket get an officer."""
    hours: bool = False
    """Callers are asked for at the bridge before the menu: out of [hours] they are told so."""
    door: bool = False
    """Callers are asked for at the bridge before they stand in a queue: how long they will wait."""

    survey: Mapping[str, int] = field(default_factory=dict)
    """Queue → of 100 callers whom its officers have served, how many are asked how it was; a queue
    that is left out asks nobody."""
    callback: bool = False
    """Who waits in a queue may press 9, keep his place and be called back; needs `selfservice` and
    [callback] of hotline.toml."""
    callback_from: int = 5
    """That is offered on entering a queue in which so many wait; later callers hear of it while
    they wait."""

    # --- paths
    owner: str | None = None
    """User and group that Asterisk runs as, who get everything laid down; None: who installs."""
    root: Path = Path("/")
    """What Asterisk's paths are under on this machine: `/`, or where it is chrooted to."""
    astetcdir: str = "/etc/asterisk"
    astmoddir: str = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
    astvarlibdir: str = "/var/lib/asterisk"
    astdatadir: str = "/usr/share/asterisk"
    system_datadir: str = "/usr/share/asterisk"
    """Asterisk's packaged data, linked into astdatadir where that is another."""
    astspooldir: str = "/var/spool/asterisk"
    astrundir: str = "/var/run/asterisk"
    astlogdir: str = "/var/log/asterisk"

    # --- times
    menu_wait: int = 5
    menu_tries: int = 3
    agent_ring: int = 20
    officer_ring: int = 20
    agency_ring: int = 25
    queue_timeout: int = 300
    wrapup: int = 0
    parking_time: int = 60
    announce_frequency: int = 30
    periodic_announce: int = 45
    callback_ring: int = 60
    max_call: int = 7200
    prompt_seconds: float | None = None
    """Length of every placeholder prompt; None: about as long as its text takes to say."""
    record: bool = False
    """Conversations are recorded, and callers told so before; the bridge needs a key to keep them
    ([recordings] of hotline.toml)."""

    def on_host(self, path: str) -> Path:
        """Where a path of Asterisk's is on this machine."""
        return self.root / path.lstrip("/")


def check(site: Site) -> None:
    """Raise InstallError where a value cannot stand in a configuration file or is out of range."""
    if site.owner:
        try:
            pwd.getpwnam(site.owner)
            grp.getgrnam(site.owner)
        except KeyError:
            raise InstallError(
                f"owner: there is no user and group {site.owner!r}; make them, or leave it out"
            ) from None
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", site.systemname):
        raise InstallError(
            f"systemname: {site.systemname!r} begins the names of files; A-Z a-z 0-9 . _ - "
            "only, at most 64, no . first"
        )
    for number in site.numbers:
        if not re.fullmatch(r"\+?[0-9]+", number):
            raise InstallError(f"numbers: {number!r} is no dialled number; digits, a + before them")
    for agent in site.agents:
        if not re.fullmatch(r"1[0-9]{3}", agent.id):
            raise InstallError(f"agents: id {agent.id!r} must be 1000 to 1999")
        if agent.via not in ("direct", "local", "devices"):
            raise InstallError(
                f"agents: via {agent.via!r} of {agent.id} is direct, local or devices"
            )
        for device in agent.telephones():
            if not re.fullmatch(re.escape(agent.id) + r"[a-z]?", device.name):
                raise InstallError(
                    f"agents: device {device.name!r} must be {agent.id} and at most one letter"
                )
    if site.selfservice and not _HOST_PORT.fullmatch(site.selfservice):
        raise InstallError(f"selfservice: {site.selfservice!r} is host:port, or empty for none")
    for queue, share in site.survey.items():
        if queue not in QUEUES:
            raise InstallError(f"survey: {queue!r} is none of {', '.join(QUEUES)}")
        if not 0 <= share <= _ALL:
            raise InstallError(f"survey: {share} of {queue} is 0 (nobody) to {_ALL} (everybody)")
    for name, address in (("tls_bind", site.tls_bind), ("ami_tls_bind", site.ami_tls_bind)):
        if address and not _HOST_PORT.fullmatch(address):
            raise InstallError(f"{name}: {address!r} is host:port")
    devices = [device for agent in site.agents for device in agent.telephones()]
    if (site.trunk_tls or any(device.tls for device in devices)) and not site.sip_tls_port:
        raise InstallError("sip_tls_port: a telephone or the carrier speaks TLS; give the port")
    if site.trunk_tls and not site.trunk_ca:
        raise InstallError("trunk_ca: who vouches for the carrier's certificate? name the file")
    if site.callback and not site.selfservice:
        raise InstallError("callback: needs `selfservice`, where the bridge takes the number")
    if site.language not in ("th", "en"):
        raise InstallError(f"language: {site.language!r} is th or en")
