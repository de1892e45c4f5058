"""The configuration files that are lists of the site: numbers, officers, agencies, the manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ivr.lab.site import Site
from ivr.prompts.catalogue import Prompt

READ: Final = "system,call,agent,user,dtmf"
"""What the bridge reads: classes of the events it is sent."""
WRITE: Final = "reporting,agent,call,originate"
"""What the bridge may ask for: lists, queue members, calls in progress, calls back."""
_CONTEXTS: Final = {
    (False, False): "",  # the template's: agents
    (True, False): "agents-outbound",
    (False, True): "agents-recording",
    (True, True): "agents-outbound-recording",
}
"""May call out, may record prompts → context of the officer's telephones."""
READ_ALL: Final = f"{READ},log,verbose,reporting,cdr,dialplan,cc,aoc,test,security,agi"


@dataclass(frozen=True, slots=True)
class Agency:
    """One line of agencies.csv."""

    id: str
    kind: str
    name_th: str
    name_en: str
    number: str
    province: str


def entry_numbers(site: Site) -> str:
    """The hotline's numbers, in the callers' entry context."""
    lines = ["[from-trunk](+)"]
    lines += [f"exten => {n},1,Goto(hotline,{n},1)" for n in site.numbers]
    return "\n".join(lines) + "\n"


def agents_list(site: Site) -> str:
    """Officers' numbers with their hints."""
    lines = ["[agent-numbers](+)"]
    for agent in site.agents:
        hint = "&".join(f"PJSIP/{d.name}" for d in agent.telephones())
        lines += [
            f"exten => {agent.id},hint,{hint}",
            f"exten => {agent.id},1,Gosub(officer,s,1({agent.id}))",
            " same => n,Goto(transfer-failed,s,1)",
        ]
    return "\n".join(lines) + "\n"


def agency_list(agencies: Sequence[Agency], site: Site) -> str:
    """The agency directory's numbers."""
    lines = ["[agency-numbers]"]
    for agency in agencies:
        direct = agency.number in site.agency_addresses or site.agency_trunk is None
        target = f"PJSIP/{agency.number}" + ("" if direct else "@agencies")
        lines += [
            f"; {agency.name_th} · {agency.name_en}",
            *(
                [f"exten => {agency.number},hint,{target}"]
                if agency.number in site.agency_addresses
                else []
            ),
            f"exten => {agency.number},1,Gosub(agency,s,1({agency.id},{target}))",
        ]
    return "\n".join(lines) + "\n"


def queue_members(site: Site) -> str:
    """Template of the static queue members."""
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


def prompt_numbers(prompts: Sequence[Prompt]) -> str:
    """What an officer keys to record a prompt: its number in `hotline prompts list`."""
    lines = ["[prompt-numbers]"]
    for number, prompt in enumerate(prompts, 1):
        lines += [f"exten => {number},1,Set(PROMPT={prompt.id})", " same => n,Return()"]
    return "\n".join(lines) + "\n"


def _host_port(address: str) -> str:
    return address if ":" in address else f"{address}:5060"


def listens_over_tls(site: Site, address: str | None) -> str:
    """What http.conf and manager.conf say of TLS; nothing older than 1.2."""
    if not address:
        return "tlsenable = no"
    return "\n".join(
        (
            "tlsenable = yes",
            f"tlsbindaddr = {address}",
            f"tlscertfile = {site.tls_cert}",
            f"tlsprivatekey = {site.tls_key}",
            "tlsdisablev1 = yes",
            "tlsdisablev11 = yes",
        )
    )


_OVER_TLS: Final = ("transport = transport-tls", "media_encryption = sdes")
"""Of an endpoint that is spoken with over TLS and SRTP, and in no other way."""


def pjsip_tls(site: Site) -> str:
    """The transport of SIP over TLS, where the site has one."""
    if not site.sip_tls_port:
        return "; SIP over TLS: none (sip_tls_port of the site)"
    return "\n".join(
        (
            "[transport-tls]",
            "type = transport",
            "protocol = tls",
            f"bind = {site.sip_bind}:{site.sip_tls_port}",
            f"cert_file = {site.tls_cert}",
            f"priv_key_file = {site.tls_key}",
            "method = tlsv1_2",
            # whom we call over TLS is the carrier alone; telephones come to us
            *((f"ca_list_file = {site.trunk_ca}", "verify_server = yes") if site.trunk_ca else ()),
        )
    )


def pjsip_trunk(site: Site) -> str:
    """The carrier."""
    lines = [
        "[trunk](trunk-endpoint)",
        "aors = trunk",
        *(_OVER_TLS if site.trunk_tls else ()),
        "",
        "[trunk]",
        "type = aor",
        f"contact = sip:{_host_port(site.trunk_host)}{';transport=tls' if site.trunk_tls else ''}",
        "",
        "[trunk-identify]",
        "type = identify",
        "endpoint = trunk",
        *[f"match = {address}" for address in site.trunk_match],
    ]
    return "\n".join(lines) + "\n"


def _fixed_telephone(
    name: str, template: str, address: str, extra: list[str], way: str = ""
) -> list[str]:
    host = _host_port(address)
    return [
        f"[{name}]({template})",
        f"aors = {name}",
        "identify_by = ip",
        *extra,
        f"[{name}]",
        "type = aor",
        f"contact = sip:{name}@{host}{way}",
        f"[{name}-identify]",
        "type = identify",
        f"endpoint = {name}",
        f"match = {host.rsplit(':', 1)[0]}",
        "",
    ]


def pjsip_agents(site: Site, drawn: Mapping[str, str]) -> str:
    """Officers' telephones; those that register have a drawn password."""
    lines: list[str] = []
    for agent in site.agents:
        extra = [f'callerid = "{agent.name or agent.id}" <{agent.id}>']
        if context := _CONTEXTS[agent.outbound, agent.records_prompts]:
            extra.append(f"context = {context}")
        for device in agent.telephones():
            template = "webrtc-endpoint" if device.webrtc else "agent-endpoint"
            more = [*extra, *(_OVER_TLS if device.tls else ())]
            if device.address:
                way = ";transport=tls" if device.tls else ""
                lines += _fixed_telephone(device.name, template, device.address, more, way)
                continue
            lines += [
                f"[{device.name}]({template})",
                f"aors = {device.name}",
                f"auth = {device.name}",
                *more,
                f"[{device.name}](agent-aor)",
                f"[{device.name}](secret-auth)",
                f"username = {device.name}",
                f"password = {drawn[device.name]}",
                "",
            ]
    return "\n".join(lines) + "\n"


def pjsip_agencies(agencies: Sequence[Agency], site: Site) -> str:
    """Agencies' telephones, and the ministry's PBX where there is one."""
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


def manager_user(site: Site, secret: str) -> str:
    """The bridge's manager user."""
    filters = (
        [f"eventfilter(name({name}),action(include)) =" for name in site.manager_events]
        if site.manager_filtered
        else []
    )
    return "\n".join(
        [
            "; The bridge. It reads calls, queues and marks; it asks for lists (reporting), puts",
            "; officers into queues (agent), and does what they ask for at the desk: transfers",
            "; and hang-ups (call), and a call back from their own telephone (originate). It can",
            "; start no program, give no command, load no module and change no file. Without the",
            "; desk: write = reporting,agent. The filter stands here because setting it by action",
            "; needs write=system. Asterisk knows its form from 20.11, 21.6 and 22.1 on; an older",
            "; one takes no notice and sends every event of the classes below.",
            "[hotline]",
            f"secret = {secret}",
            "deny = 0.0.0.0/0.0.0.0",
            *[f"permit = {net}" for net in site.ami_permit],
            f"read = {READ if site.manager_filtered else READ_ALL}",
            f"write = {WRITE}",
            "writetimeout = 1000",
            *filters,
            "",
        ]
    )
