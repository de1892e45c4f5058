"""Install `dialplan/` as the configuration of one Asterisk: render, draw secrets, lay down sounds.

Files of `dialplan/` are templates: `@NAME@` is a value of the site, `${NAME}` is Asterisk's own.
What is a list in the site (numbers, officers, agencies) becomes a rendered file of its own, and so
do the menus (`menu.toml`, or the site's own).
Running it again renders anew and keeps the secrets once drawn.
"""

from __future__ import annotations

import csv
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.lab import rendered
from ivr.lab.prompts import Prompt, lay_sounds, read_prompts
from ivr.lab.rendered import Agency
from ivr.lab.site import QUEUES, Agent, Device, InstallError, Site, check
from ivr.menu.checking import World
from ivr.menu.checking import check as check_menu
from ivr.menu.rendering import render as render_menu
from ivr.menu.tree import MenuFault, Tree
from ivr.prompts import site as site_prompts
from ivr.prompts.catalogue import dialplan_directory

__all__ = [
    "Agent",
    "Device",
    "InstallError",
    "Installed",
    "Site",
    "dialplan_directory",
    "install",
    "menu_conf",
    "read_agencies",
    "read_menu",
    "read_own_prompts",
]

SECRETS: Final = ".secrets"
MANIFEST: Final = ".installed"
ASIDE: Final = ".before-hotline"
"""Suffix given to a file that was there before the first installation."""

_PLAIN: Final = (
    "astetcdir",
    "astmoddir",
    "astvarlibdir",
    "astdatadir",
    "astspooldir",
    "astrundir",
    "astlogdir",
    "systemname",
    "office",
    "language",
    "menu_wait",
    "menu_tries",
    "queue_timeout",
    "agency_ring",
    "callback_ring",
    "officer_ring",
    "agent_ring",
    "max_call",
    "selfservice",
    "callback_from",
    "wrapup",
    "announce_frequency",
    "periodic_announce",
    "parking_time",
    "sip_bind",
    "sip_port",
    "http_bind",
    "http_port",
    "ami_bind",
    "ami_port",
    "rtp_start",
    "rtp_end",
    "codecs",
    "qualify",
)
"""Site values that stand in the templates as they are, in capitals."""
_LINES: Final = (
    "SIP_PERMIT", "HTTP_TLS", "AMI_TLS", "SIP_TLS", "MEDIA", "AGENT_GLOBALS", "SURVEY",
)  # fmt: skip
"""Values that are lines of a file themselves."""
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")


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
    sounds: Path
    takes: Path
    recordings: Path
    control_socket: Path
    device_secrets: Mapping[str, str]
    """Password of each telephone that registers."""


def read_agencies(source: Path | None = None) -> list[Agency]:
    """The agency directory, in order of the file."""
    path = (source or dialplan_directory()) / "agencies.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [Agency(**row) for row in csv.DictReader(lines)]


def read_menu(path: Path, source: Path | None = None) -> tuple[Tree | None, list[MenuFault]]:
    """The menus of a file, and everything wrong with them in order of its lines.

    Agencies are those of `source` (`dialplan/`), prompts those and the site's own, of the file
    `prompts.csv` beside this one. Raises InstallError where the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(f"menu: {path} cannot be read: {error}") from None
    ours = read_prompts(source or dialplan_directory())
    more, _ = read_own_prompts(path, source)
    prompts = {prompt.id: (prompt.thai, prompt.english) for prompt in (*ours, *more)}
    return check_menu(text, World(prompts, QUEUES, _agency_numbers(source)))


def read_own_prompts(
    menu: Path | None, source: Path | None = None
) -> tuple[list[Prompt], list[site_prompts.RowFault]]:
    """The prompts that a site has beside its menus, and everything wrong with them.

    Raises InstallError where the file cannot be read.
    """
    path = site_prompts.beside(menu)
    if path is None:
        return [], []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(f"prompts: {path} cannot be read: {error}") from None
    return site_prompts.read(text, read_prompts(source or dialplan_directory()))


def _own_prompts(site: Site, source: Path) -> list[Prompt]:
    """Those of a site; raises InstallError that names a fault's line and mend."""
    more, faults = read_own_prompts(site.menu, source)
    if faults:
        at, first = site_prompts.beside(site.menu), faults[0]
        raise InstallError(f"prompts: {at}:{first.line}: {first.what}; {first.mend}")
    return more


def menu_conf(path: Path, source: Path | None = None) -> str:
    """The dialplan of a menu file; raises InstallError that names a fault's line and mend."""
    tree, faults = read_menu(path, source)
    if tree is None or faults:
        first = faults[0]
        more = f" ({len(faults) - 1} more: hotline menu check {path})" if len(faults) > 1 else ""
        raise InstallError(f"menu: {path}:{first.line}: {first.what}; {first.mend}{more}")
    return render_menu(tree, _agency_numbers(source))


def _agency_numbers(source: Path | None) -> dict[str, str]:
    return {agency.id: agency.number for agency in read_agencies(source)}


def install(destination: Path, site: Site, source: Path | None = None) -> Installed:
    """Lay the configuration of `site` into `destination` (what site.astetcdir is to Asterisk).

    Secrets are drawn once and kept; files with secrets are readable by their owner only.
    Raises InstallError where a value of the site cannot stand in a configuration file.
    """
    source = source or dialplan_directory()
    check(site)
    values = _values(site)
    more = _own_prompts(site, source)
    menus = menu_conf(site.menu or source / "menu.toml", source)
    destination.mkdir(parents=True, exist_ok=True)
    agencies, prompts = read_agencies(source), [*read_prompts(source), *more]
    known = _read_secrets(destination / SECRETS)
    names = ["ami"] + [
        device.name for agent in site.agents for device in agent.telephones() if not device.address
    ]
    drawn = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
    _write(destination / SECRETS, "".join(f"{n} {s}\n" for n, s in sorted(drawn.items())), 0o600)

    files: dict[str, tuple[str, int]] = {}
    for template in sorted(source.glob("*.conf")):
        text = _render(template.read_text(encoding="utf-8"), values, template.name)
        if template.name == "modules.conf":
            text = _present_modules(text, site.on_host(site.astmoddir))
        files[template.name] = (text, 0o644)
    files |= {
        "menu.conf": (menus, 0o644),
        "entry-numbers.conf": (rendered.entry_numbers(site), 0o644),
        "agents-list.conf": (rendered.agents_list(site), 0o644),
        "agency-list.conf": (rendered.agency_list(agencies, site), 0o644),
        "prompt-numbers.conf": (rendered.prompt_numbers(prompts), 0o644),
        "queue-members.conf": (rendered.queue_members(site), 0o644),
        "pjsip-trunk.conf": (rendered.pjsip_trunk(site), 0o644),
        "pjsip-agents.conf": (rendered.pjsip_agents(site, drawn), 0o600),
        "pjsip-agencies.conf": (rendered.pjsip_agencies(agencies, site), 0o644),
        "manager-hotline.conf": (rendered.manager_user(site, drawn["ami"]), 0o600),
    }
    _set_aside(destination, files)
    for name, (text, mode) in files.items():
        _write(destination / name, text, mode)
    _write(destination / MANIFEST, "".join(f"{name}\n" for name in sorted(files)))
    _directories(site)
    lay_sounds(site, prompts, source)
    site_prompts.lay(site.on_host(site.astdatadir) / "sounds", more)
    if site.owner:
        _give(site, destination, site.owner)
    return Installed(
        config=destination,
        asterisk_conf=f"{site.astetcdir}/asterisk.conf",
        ami_username="hotline",
        ami_secret=drawn["ami"],
        cel_file=site.on_host(site.astlogdir) / "cel-custom" / "hotline.csv",
        queue_log_file=site.on_host(site.astlogdir) / "queue_log",
        sounds=site.on_host(site.astdatadir) / "sounds",
        takes=site.on_host(site.astspooldir) / "takes",
        recordings=site.on_host(site.astspooldir) / "monitor",
        control_socket=site.on_host(site.astrundir) / "asterisk.ctl",
        device_secrets={name: secret for name, secret in drawn.items() if name != "ami"},
    )


def _values(site: Site) -> dict[str, str]:
    values = {name.upper(): str(getattr(site, name)) for name in _PLAIN}
    values |= {
        "HOTLINE_NUMBER": site.numbers[0] if site.numbers else "",
        "RECORD": "1" if site.record else "0",
        "HOURS": "1" if site.hours else "0",
        "DOOR": "1" if site.door else "0",
        "CALLBACK": "1" if site.callback else "0",
        "QUEUE_KEYS": f"context = {'queue-keys' if site.callback else ''}",
        "QUEUE_WAIT": "hotline/queue-wait-key" if site.callback else "hotline/queue-wait",
        "RECORDINGS": f"{site.astspooldir}/monitor",
        "TAKES": f"{site.astspooldir}/takes",
        "CONNECTED_LINE": "yes" if site.connected_line else "no",
        "SIP_PERMIT": "\n".join(f"permit = {net}" for net in _sip_networks(site)),
        "HTTP_TLS": rendered.listens_over_tls(site, site.tls_bind),
        "AMI_TLS": rendered.listens_over_tls(site, site.ami_tls_bind),
        "SIP_TLS": rendered.pjsip_tls(site),
        "MEDIA": "; media is on every address, as SIP is"
        if site.sip_bind in ("0.0.0.0", "::")  # noqa: S104  # compared with, not bound to
        else f"media_address = {site.sip_bind}\nbind_rtp_to_media_address = yes",
        "SURVEY": "\n".join(f"SURVEY_{queue} = {share}" for queue, share in site.survey.items()),
        "AGENT_GLOBALS": "\n".join(
            f"AGENT_{agent.id} = " + "&".join(f"PJSIP/{d.name}" for d in agent.telephones())
            for agent in site.agents
        ),
    }
    for name, value in values.items():
        if name not in _LINES and re.search(r"[\r\n;]", value):
            raise InstallError(f"{name.lower()}: {value!r} has a line break or semicolon in it")
    return values


def _sip_networks(site: Site) -> list[str]:
    """Who may speak SIP here: the site's networks, and each fixed address the site itself names."""
    fixed = [device.address for agent in site.agents for device in agent.telephones()]
    fixed += [site.agency_trunk, *site.agency_addresses.values()]
    hosts = [address.rsplit(":", 1)[0] for address in fixed if address]
    return list(dict.fromkeys((*site.sip_permit, *site.trunk_match, *hosts)))


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


def _set_aside(destination: Path, names: Iterable[str]) -> None:
    """Keep what another hand wrote under one of our names; never twice, so the first is kept."""
    manifest = destination / MANIFEST
    ours = manifest.read_text(encoding="utf-8").split() if manifest.exists() else []
    for name in names:
        there, aside = destination / name, destination / f"{name}{ASIDE}"
        if name not in ours and there.exists() and not aside.exists():
            there.rename(aside)


def _give(site: Site, destination: Path, owner: str) -> None:
    places = [site.astvarlibdir, site.astspooldir, site.astrundir, site.astlogdir]
    for top in (destination, *(site.on_host(place) for place in places)):
        for path in (top, *top.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, owner, owner)


def _directories(site: Site) -> None:
    for path in (
        site.astvarlibdir,
        f"{site.astvarlibdir}/cache",
        f"{site.astvarlibdir}/keys",
        f"{site.astspooldir}/monitor",
        f"{site.astspooldir}/takes",
        site.astrundir,
        f"{site.astlogdir}/cel-custom",
        f"{site.astdatadir}/sounds",
    ):
        site.on_host(path).mkdir(parents=True, exist_ok=True)
    if site.astdatadir != site.system_datadir:
        packaged = site.on_host(site.system_datadir)
        for entry in sorted(packaged.iterdir()) if packaged.is_dir() else ():
            link = site.on_host(site.astdatadir) / entry.name
            if entry.name != "sounds" and not link.exists() and not link.is_symlink():
                link.symlink_to(f"{site.system_datadir}/{entry.name}")


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
