"""What several commands take: the configuration file, the languages, a moment in time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_bridge.clock import micros
from crm_bridge.config import Config, load_config
from crm_bridge.errors import ConfigMistake
from ivr.calls.call import Micros

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="HOTLINE_CONFIG",
        help="The configuration; each of its keys also as HOTLINE_<SECTION>__<KEY>.",
        show_default="hotline.toml",
    ),
]
DEFAULT_CONFIG = Path("hotline.toml")

Since = Annotated[
    str | None,
    typer.Option(
        metavar="ISO",
        envvar="HOTLINE_SINCE",
        help="Only calls that entered at or after this moment (UTC unless it says otherwise).",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="ISO",
        envvar="HOTLINE_UNTIL",
        help="Only calls that entered before this moment.",
    ),
]


def moment(text: str | None, option: str) -> Micros | None:
    """The moment an option names; a usage error where it names none."""
    if text is None:
        return None
    try:
        return micros(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment; write 2026-11-23 or 2026-11-23T09:30:00+07:00",
            param_hint=option,
        ) from None


def load(path: Path, *, nodes: bool = False) -> Config:
    """The configuration; raises ConfigMistake, also where `nodes` are needed and none is named."""
    config = load_config(path)
    if nodes and not config.node:
        raise ConfigMistake(
            "no Asterisk is named", where=f"{path}: node", mend="add a [[node]] section"
        )
    return config
