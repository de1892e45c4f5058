"""`hotline install`: the 1203 configuration, laid down for one Asterisk."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from crm_bridge.errors import ConfigMistake
from ivr.lab.install import install as lay_down
from ivr.lab.site import Site


def install(
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            file_okay=False,
            envvar="HOTLINE_INSTALL_TO",
            help="Asterisk's directory of configuration.",
        ),
    ],
    site: Annotated[
        Path | None,
        typer.Option(
            "--site",
            exists=True,
            dir_okay=False,
            envvar="HOTLINE_SITE",
            help="What this site has and others have not, as TOML: keys as in ivr/lab/site.py.",
        ),
    ] = None,
) -> None:
    """Lay the 1203 configuration down for a production Asterisk 20 or 22.

    Secrets are drawn at the first time and kept; they are never printed. Files of yours that are
    in the way are set aside, not lost; recorded prompts are left alone.

    Example:  hotline install --to /etc/asterisk --site site.toml
    """
    values = _site(site, to)
    try:
        done = lay_down(to, values)
    except OSError as error:
        raise ConfigMistake(
            f"cannot write {error.filename}: {error.strerror}",
            where="--to", mend="run it as the user who owns that directory",
        ) from error  # fmt: skip
    typer.echo(f"laid down in {done.config}")
    typer.echo(f"AMI user {done.ami_username}; its secret is in {done.config}/manager-hotline.conf")
    typer.echo("in hotline.toml:  [[node]] with")
    typer.echo(f'  cel_file = "{done.cel_file}"')
    typer.echo(f'  queue_log_file = "{done.queue_log_file}"')
    typer.echo(f'  sounds = "{done.sounds}"')
    typer.echo(f'  takes = "{done.takes}"')
    if values.record:
        typer.echo(f'  recordings = "{done.recordings}"')
    if values.menu is not None:
        typer.echo(f'and [line] with  menu = "{values.menu}"')
    typer.echo(f"to be recorded: hotline prompts list --open --sounds {done.sounds}")
    if values.root == Path("/"):
        typer.echo(f"next: asterisk -C {done.asterisk_conf} -rx 'core restart when convenient'")


def _site(path: Path | None, to: Path) -> Site:
    """The site of a TOML file; raises ConfigMistake that names the key."""
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigMistake(
                f"is not TOML: {error}", where=str(path), mend="correct that line"
            ) from None
    known = {field.name for field in fields(Site)}
    for key in data:
        if key not in known:
            raise ConfigMistake("there is no such value of a site", where=f"{path}: {key}",
                                mend=f"it is one of: {', '.join(sorted(known))}")  # fmt: skip
    if path is not None and isinstance(data.get("menu"), str):
        data["menu"] = str((path.parent / data["menu"]).resolve())
    data.setdefault("astetcdir", str(to.resolve()))
    try:
        return TypeAdapter(Site).validate_python(data)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise ConfigMistake(
            fault["msg"], where=f"{path}: {key}", mend="correct that value"
        ) from None
