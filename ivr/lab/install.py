"""Install `dialplan/` as the configuration of one Asterisk: render, draw secrets, lay down sounds.

Files of `dialplan/` are templates: `@NAME@` is a value of the site (Asterisk's own `${NAME}` is left
alone). What is a list in the site (numbers, officers, agencies) becomes a rendered file of its own.
Running it again renders anew and keeps the secrets once drawn.
"""

from __future__ import annotations

import csv
import math
import re
import secrets
import wave
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

QUEUES: Final = ("complaint", "information", "appointment", "market_information")
"""Queue names, each also the name of its service."""

MANAGER_EVENTS: Final = (
    "FullyBooted Shutdown Reload "
    "Newchannel Newstate NewCallerid NewConnectedLine Rename Hangup HangupRequest "
    "DialBegin DialState DialEnd "
    "BridgeCreate BridgeDestroy BridgeEnter BridgeLeave BridgeMerge "
    "LocalBridge LocalOptimizationBegin LocalOptimizationEnd "
    "Hold Unhold BlindTransfer AttendedTransfer Pickup "
    "ParkedCall ParkedCallGiveUp ParkedCallTimeOut ParkedCallSwap UnParkedCall "
    "QueueCallerJoin QueueCallerLeave QueueCallerAbandon "
    "AgentCalled AgentConnect AgentComplete AgentRingNoAnswer AgentDump "
    "QueueMemberAdded QueueMemberRemoved QueueMemberPause QueueMemberStatus "
    "ConfbridgeStart ConfbridgeEnd ConfbridgeJoin ConfbridgeLeave UserEvent"
).split()
"""Events the manager user is sent; Asterisk drops the rest before they are written to the socket."""

_PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")


class InstallError(ValueError):
    """The site cannot be installed; the message names the value and the mend."""


@dataclass(frozen=True, slots=True)
class Device:
    """One telephone: it registers with a password, or (address given) stands at a fixed address."""

    name: str
    address: str | None = None
    """`host` or `host:port`; the telephone is then known by its address and needs no password."""
    webrtc: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """An officer of the call centre and his telephones; by default one named as he is."""

    id: str
    name: str = ""
    devices: tuple[Device, ...] = ()
    outbound: bool = False
    """The named permission to call out over the trunk."""
    via: str = "direct"
    """How queues reach him: `direct`, `local` (Local/ID@agent-local/n) or `devices` (all together)."""

    def telephones(self) -> tuple[Device, ...]:
        """His devices, one named as he is where none is given."""
        return self.devices or (Device(self.id),)


def _default_agents() -> tuple[Agent, ...]:
    ids = [str(n) for n in range(1001, 1011)]
    return tuple(
        Agent(
            i,
            via="local" if i == "1009" else "devices" if i == "1008" else "direct",
            devices=(Device("1008a"), Device("1008b")) if i == "1008" else (),
        )
        for i in ids
    ) + (Agent("1011", devices=(Device("1011", webrtc=True),)),)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything one site has and another has not. Times in seconds; paths as Asterisk sees them."""

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
    tls_cert: str = "/etc/asterisk/keys/hotline.crt"
    tls_key: str = "/etc/asterisk/keys/hotline.key"
    rtp_start: int = 10000
    rtp_end: int = 20000
    ami_bind: str = "127.0.0.1"
    ami_port: int = 5038
    ami_permit: tuple[str, ...] = ("127.0.0.0/255.0.0.0",)
    manager_events: tuple[str, ...] = tuple(MANAGER_EVENTS)
    manager_filtered: bool = True
    """False: the manager user gets every event (benchmarks)."""

    # --- paths
    root: Path = Path("/")
    """What Asterisk's paths are under on this machine: `/`, or the directory it is chrooted into."""
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
    max_call: int = 7200
    prompt_seconds: float | None = None
    """Length of every placeholder prompt; None: about as long as its text takes to say."""
    record: bool = True


@dataclass(frozen=True, slots=True)
class Installed:
    """Where an installation lies, as this machine sees it (not as a chrooted Asterisk does)."""

    config: Path
    asterisk_conf: str
    """What to give `asterisk -C`, as Asterisk sees it."""
    ami_username: str
    ami_secret: str
    cel_file: Path
    queue_log_file: Path
    control_socket: Path
    device_secrets: Mapping[str, str]
    """Password of each telephone that registers."""


@dataclass(frozen=True, slots=True)
class Agency:
    """One line of agencies.csv."""

    id: str
    kind: str
    name_th: str
    name_en: str
    number: str
    province: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of sounds/prompts.csv."""

    id: str
    thai: str
    english: str
    voice: str
    state: str


def dialplan_directory() -> Path:
    """The `dialplan/` this package came with: in a wheel inside the package, else in the checkout."""
    packaged = Path(str(resources.files("ivr"))) / "_dialplan"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "dialplan"


def read_agencies(source: Path | None = None) -> list[Agency]:
    """The agency directory, in order of the file."""
    path = (source or dialplan_directory()) / "agencies.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [Agency(**row) for row in csv.DictReader(lines)]


def read_prompts(source: Path | None = None) -> list[Prompt]:
    """Every prompt the dialplan plays, in order of the file."""
    path = (source or dialplan_directory()) / "sounds" / "prompts.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [Prompt(**row) for row in csv.DictReader(lines)]


def install(destination: Path, site: Site, source: Path | None = None) -> Installed:
    """Lay the configuration of `site` into `destination` (what site.astetcdir is to Asterisk).

    Secrets are drawn once and kept; files with secrets are readable by their owner only.
    Raises InstallError where a value of the site cannot stand in a configuration file.
    """
    source = source or dialplan_directory()
    _check(site)
    destination.mkdir(parents=True, exist_ok=True)
    agencies = read_agencies(source)
    known = _read_secrets(destination / SECRETS)
    names = ["ami"] + [
        device.name for agent in site.agents for device in agent.telephones() if not device.address
    ]
    drawn = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
    _write(destination / SECRETS, "".join(f"{n} {s}\n" for n, s in sorted(drawn.items())), 0o600)

    values = _values(site)
    for template in sorted(source.glob("*.conf")):
        text = _render(template.read_text(encoding="utf-8"), values, template.name)
        if template.name == "modules.conf":
            text = _present_modules(text, _on_host(site, site.astmoddir))
        _write(destination / template.name, text)
    for name, text, mode in (
        ("entry-numbers.conf", _entry_numbers(site), 0o644),
        ("agents-list.conf", _agents_list(site), 0o644),
        ("agency-list.conf", _agency_list(agencies, site), 0o644),
        ("queue-members.conf", _queue_members(site), 0o644),
        ("pjsip-trunk.conf", _pjsip_trunk(site), 0o644),
        ("pjsip-agents.conf", _pjsip_agents(site, drawn), 0o600),
        ("pjsip-agencies.conf", _pjsip_agencies(agencies, site), 0o644),
        ("manager-hotline.conf", _manager_user(site, drawn["ami"]), 0o600),
    ):
        _write(destination / name, text, mode)
    _directories(site)
    _sounds(site, read_prompts(source), source)
    return Installed(
        config=destination,
        asterisk_conf=f"{site.astetcdir}/asterisk.conf",
        ami_username="hotline",
        ami_secret=drawn["ami"],
        cel_file=_on_host(site, site.astlogdir) / "cel-custom" / "hotline.csv",
        queue_log_file=_on_host(site, site.astlogdir) / "queue_log",
        control_socket=_on_host(site, site.astrundir) / "asterisk.ctl",
        device_secrets={name: secret for name, secret in drawn.items() if name != "ami"},
    )


SECRETS: Final = ".secrets"


def _on_host(site: Site, path: str) -> Path:
    return site.root / path.lstrip("/")


def _check(site: Site) -> None:
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
    if site.language not in ("th", "en"):
        raise InstallError(f"language: {site.language!r} is th or en")


def _values(site: Site) -> dict[str, str]:
    tls = (
        f"tlsenable = yes\ntlsbindaddr = {site.tls_bind}\n"
        f"tlscertfile = {site.tls_cert}\ntlsprivatekey = {site.tls_key}"
        if site.tls_bind
        else "tlsenable = no"
    )
    plain = (
        "astetcdir astmoddir astvarlibdir astdatadir astspooldir astrundir astlogdir systemname office "
        "language menu_wait menu_tries queue_timeout agency_ring officer_ring agent_ring max_call wrapup "
        "announce_frequency periodic_announce parking_time sip_bind sip_port http_bind http_port "
        "ami_bind ami_port rtp_start rtp_end codecs qualify"
    ).split()
    values = {name.upper(): str(getattr(site, name)) for name in plain}
    values |= {
        "RECORD": "1" if site.record else "0",
        "RECORDINGS": f"{site.astspooldir}/monitor",
        "CONNECTED_LINE": "yes" if site.connected_line else "no",
        "SIP_PERMIT": "\n".join(f"permit = {net}" for net in site.sip_permit),
        "HTTP_TLS": tls,
        "AGENT_GLOBALS": "\n".join(
            f"AGENT_{agent.id} = " + "&".join(f"PJSIP/{d.name}" for d in agent.telephones())
            for agent in site.agents
        ),
    }
    for name, value in values.items():
        if name not in ("SIP_PERMIT", "HTTP_TLS", "AGENT_GLOBALS") and re.search(r"[\r\n;]", value):
            raise InstallError(f"{name.lower()}: {value!r} has a line break or semicolon in it")
    return values


def _render(text: str, values: Mapping[str, str], name: str) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise InstallError(f"{name}: no site value for @{match[1]}@") from None

    lines = text.split("\n")
    return "\n".join(
        line if line.startswith(";") else _PLACEHOLDER.sub(value, line) for line in lines
    )


def _present_modules(text: str, modules: Path) -> str:
    """`text` without the modules this Asterisk does not have; all of it where that is not known."""
    if not modules.is_dir():
        return text
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not (load := re.match(r"load = (\S+)", line)) or (modules / load[1]).exists()
    )


def _entry_numbers(site: Site) -> str:
    lines = ["[from-trunk](+)"]
    lines += [f"exten => {n},1,Goto(hotline,{n},1)" for n in site.numbers]
    return "\n".join(lines) + "\n"


def _agents_list(site: Site) -> str:
    lines = ["[agent-numbers](+)"]
    for agent in site.agents:
        hint = "&".join(f"PJSIP/{d.name}" for d in agent.telephones())
        lines += [
            f"exten => {agent.id},hint,{hint}",
            f"exten => {agent.id},1,Gosub(officer,s,1({agent.id}))",
            " same => n,Goto(transfer-failed,s,1)",
        ]
    return "\n".join(lines) + "\n"


def _agency_list(agencies: list[Agency], site: Site) -> str:
    lines = ["[agency-numbers]"]
    for agency in agencies:
        direct = agency.number in site.agency_addresses or site.agency_trunk is None
        target = f"PJSIP/{agency.number}" + ("" if direct else "@agencies")
        lines += [
            f"; {agency.name_th} · {agency.name_en}",
            f"exten => {agency.number},1,Gosub(agency,s,1({agency.id},{target}))",
        ]
    return "\n".join(lines) + "\n"


def _queue_members(site: Site) -> str:
    lines = ["[members](!)", "; interface, penalty, name, state interface"]
    for agent in site.agents if site.static_members else ():
        first = agent.telephones()[0].name
        interface, state = {
            "direct": (f"PJSIP/{first}", f"PJSIP/{first}"),
            "local": (f"Local/{agent.id}@agent-local/n", f"PJSIP/{first}"),
            "devices": (f"Local/{agent.id}@agent-devices/n", f"hint:{agent.id}@agent-numbers"),
        }[agent.via]
        lines.append(f"member => {interface},0,{agent.id},{state}")
    return "\n".join(lines) + "\n"


def _host_port(address: str) -> str:
    return address if ":" in address else f"{address}:5060"


def _pjsip_trunk(site: Site) -> str:
    lines = [
        "[trunk](trunk-endpoint)",
        "aors = trunk",
        "",
        "[trunk]",
        "type = aor",
        f"contact = sip:{_host_port(site.trunk_host)}",
        "",
        "[trunk-identify]",
        "type = identify",
        "endpoint = trunk",
        *[f"match = {address}" for address in site.trunk_match],
    ]
    return "\n".join(lines) + "\n"


def _fixed_telephone(name: str, template: str, address: str, extra: list[str]) -> list[str]:
    host = _host_port(address)
    return [
        f"[{name}]({template})",
        f"aors = {name}",
        "identify_by = ip",
        *extra,
        f"[{name}]",
        "type = aor",
        f"contact = sip:{name}@{host}",
        f"[{name}-identify]",
        "type = identify",
        f"endpoint = {name}",
        f"match = {host.rsplit(':', 1)[0]}",
        "",
    ]


def _pjsip_agents(site: Site, drawn: Mapping[str, str]) -> str:
    lines: list[str] = []
    for agent in site.agents:
        extra = [f'callerid = "{agent.name or agent.id}" <{agent.id}>']
        if agent.outbound:
            extra.append("context = agents-outbound")
        for device in agent.telephones():
            template = "webrtc-endpoint" if device.webrtc else "agent-endpoint"
            if device.address:
                lines += _fixed_telephone(device.name, template, device.address, extra)
                continue
            lines += [
                f"[{device.name}]({template})",
                f"aors = {device.name}",
                f"auth = {device.name}",
                *extra,
                f"[{device.name}](agent-aor)",
                f"[{device.name}](secret-auth)",
                f"username = {device.name}",
                f"password = {drawn[device.name]}",
                "",
            ]
    return "\n".join(lines) + "\n"


def _pjsip_agencies(agencies: list[Agency], site: Site) -> str:
    lines: list[str] = []
    if site.agency_trunk:
        lines += _fixed_telephone("agencies", "agency-endpoint", site.agency_trunk, [])
        lines = [line.replace("sip:agencies@", "sip:") for line in lines]
    for agency in agencies:
        address = site.agency_addresses.get(agency.number)
        if address:
            extra = [f'callerid = "{agency.id}" <{agency.number}>']
            lines += _fixed_telephone(agency.number, "agency-endpoint", address, extra)
    return "\n".join(lines) + "\n"


def _manager_user(site: Site, secret: str) -> str:
    filters = (
        [f"eventfilter(name({name}),action(include)) =" for name in site.manager_events]
        if site.manager_filtered
        else []
    )
    return "\n".join(
        [
            "; The bridge. It reads calls, queues and marks; it asks for lists (reporting) and puts officers",
            "; into queues (agent). It can start no call, no program, no command, and change no file.",
            "[hotline]",
            f"secret = {secret}",
            "deny = 0.0.0.0/0.0.0.0",
            *[f"permit = {net}" for net in site.ami_permit],
            "read = system,call,agent,user"
            + (
                ""
                if site.manager_filtered
                else ",dialplan,dtmf,reporting,log,verbose,cdr,security,test,command,config,cc,aoc,agi"
            ),
            "write = reporting,agent",
            "writetimeout = 1000",
            *filters,
            "",
        ]
    )


def _directories(site: Site) -> None:
    for path in (
        site.astvarlibdir,
        f"{site.astvarlibdir}/cache",
        f"{site.astvarlibdir}/keys",
        f"{site.astspooldir}/monitor",
        site.astrundir,
        f"{site.astlogdir}/cel-custom",
        f"{site.astdatadir}/sounds",
    ):
        _on_host(site, path).mkdir(parents=True, exist_ok=True)
    if site.astdatadir != site.system_datadir:
        packaged = _on_host(site, site.system_datadir)
        for entry in sorted(packaged.iterdir()) if packaged.is_dir() else ():
            link = _on_host(site, site.astdatadir) / entry.name
            if entry.name != "sounds" and not link.exists() and not link.is_symlink():
                link.symlink_to(f"{site.system_datadir}/{entry.name}")


def _sounds(site: Site, prompts: list[Prompt], source: Path) -> None:
    base = _on_host(site, site.astdatadir)
    for index, prompt in enumerate(prompts):
        for language, text in (("th", prompt.thai), ("en", prompt.english)):
            target = base / "sounds" / language / f"{prompt.id}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            if "/" not in prompt.id and any(
                other.suffix != ".wav" for other in target.parent.glob(f"{prompt.id}.*")
            ):
                continue  # Asterisk's own recording of a prompt of its own is the better one
            recorded = source / "sounds" / language / f"{prompt.id}.wav"
            if prompt.state == "recorded":
                target.write_bytes(recorded.read_bytes())
                continue
            seconds = site.prompt_seconds or max(0.4, len(text) / 15)
            _tone(target, seconds, 330 + 20 * (index % 12))
    music = base / "moh-1203"
    music.mkdir(parents=True, exist_ok=True)
    _tone(music / "waiting.wav", 10.0, 220)


def _tone(path: Path, seconds: float, hertz: int) -> None:
    """A quiet tone that swells and fades, as a placeholder: 8 kHz, 16 bit, mono."""
    count = max(1, int(8000 * seconds))
    samples = array(
        "h",
        (
            int(1200 * math.sin(math.pi * i / count) * math.sin(2 * math.pi * hertz * i / 8000))
            for i in range(count)
        ),
    )
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())


def _read_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whose mode is right from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_text(text, encoding="utf-8")
