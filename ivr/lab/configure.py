"""What a lab's Asterisk is configured as: the 1203 configuration, or a PBX that is not ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivr.lab.address import FASTAGI_PORT, address
from ivr.lab.install import install
from ivr.lab.site import Site

if TYPE_CHECKING:
    from ivr.lab.asterisk import Lab

AGENCIES = range(2001, 2007)
"""The agencies that have a telephone on the lab's addresses; the others are unreachable."""
RECORDS = "1010"
"""The lab's officer who may record prompts by telephone."""
_FOREIGN = Path(__file__).parent / "foreign"

Configure = Callable[["Lab", Path], None]
"""Writes the configuration of a lab into a directory."""


def ours(**values: Any) -> Configure:
    """The 1203 configuration of `dialplan/`, with values of the site other than the lab's own."""

    def configure(lab: Lab, destination: Path) -> None:
        place = lab.root.inside(lab.instance)
        agencies = {str(number): lab.phone_address(number) for number in AGENCIES}
        site = Site(
            **{
                "systemname": f"lab{lab.number}",
                "sip_bind": lab.server,
                "trunk_match": (lab.carrier, *(address(lab.number, n) for n in range(20, 30))),
                "trunk_host": lab.carrier,
                "agency_addresses": agencies,
                "qualify": 0,
                "http_bind": lab.server,
                "selfservice": f"{address(lab.number, 3)}:{FASTAGI_PORT}",
                "ami_bind": lab.server,
                "root": lab.root.directory,
                "astetcdir": f"{place}/etc",
                "astmoddir": _modules(lab),
                "astvarlibdir": f"{place}/lib",
                "astdatadir": f"{place}/data",
                "astspooldir": f"{place}/spool",
                "astrundir": f"{place}/run",
                "astlogdir": f"{place}/log",
                "prompt_seconds": 0.3,
                "agent_ring": 8,
                "record": True,
                "agents": tuple(
                    replace(agent, records_prompts=agent.id == RECORDS) for agent in Site().agents
                ),
                **values,
            }
        )
        installed = install(destination, site)
        lab.secrets = dict(installed.device_secrets)
        lab.ami_secret = installed.ami_secret
        _packaged_sounds(lab)

    return configure


def _modules(lab: Lab) -> str:
    """Where Asterisk's modules are: the place differs between machines' architectures."""
    found = sorted(lab.root.directory.glob("usr/lib/*/asterisk/modules/app_queue.so"))
    found += sorted(lab.root.directory.glob("usr/lib*/asterisk/modules/app_queue.so"))
    return lab.root.inside(found[0].parent) if found else Site().astmoddir


def _packaged_sounds(lab: Lab) -> None:
    """Links Asterisk's own prompts beside ours: feature codes play `beep` and `pbx-transfer`."""
    packaged = lab.root.directory / "usr" / "share" / "asterisk" / "sounds"
    source = next((path.parent for path in sorted(packaged.glob("en*/beep.*"))), None)
    for language in ("en", "th") if source else ():
        target = lab.instance / "data" / "sounds" / language
        target.mkdir(parents=True, exist_ok=True)
        for sound in source.iterdir() if source else ():
            if not (target / sound.name).exists() and not list(target.glob(f"{sound.stem}.*")):
                (target / sound.name).symlink_to(lab.root.inside(sound))


def foreign(lab: Lab, destination: Path) -> None:
    """A PBX that is not ours: other contexts and queues, no markers (`ivr/lab/foreign`)."""
    place = lab.root.inside(lab.instance)
    places = {
        "@SERVER@": lab.server,
        "@CARRIER@": lab.carrier,
        "@SECRET@": lab.secret,
        "@PLACE@": place,
        "@NODE@": f"lab{lab.number}",
    }
    lab.secrets = dict.fromkeys(("1001", "1002", "2001", "2002"), lab.secret)
    lab.ami_secret = lab.secret
    for path in sorted(_FOREIGN.glob("*.conf")):
        text = path.read_text("utf-8")
        for name, value in places.items():
            text = text.replace(name, value)
        (destination / path.name).write_text(text, "utf-8")
