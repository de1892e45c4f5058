"""`hotline menu`: the menus of the line, checked before a caller hears them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from crm_bridge.commands import words
from crm_bridge.commands.exits import FOUND
from ivr.lab.install import dialplan_directory, menu_conf, read_menu, read_own_prompts
from ivr.prompts.site import beside

menu = typer.Typer(no_args_is_help=True, help="The menus of the line, told in one file.")

File = Annotated[
    Path | None,
    typer.Argument(
        dir_okay=False,
        envvar="HOTLINE_MENU",
        help="The site's own menu.toml; left out: the one that comes with the hotline.",
    ),
]
_WORDS: Final = {
    "well": ("เมนู {0} ปุ่ม {1} เรียบร้อยทั้งหมด", "{0} menus, {1} keys: all well"),
    "wrong": ("ต้องแก้ไข {0} จุด", "{0} to be mended"),
}


def _say(word: str, lang: words.Lang, *given: object) -> str:
    return _WORDS[word][lang is words.Lang.EN].format(*given)


@menu.command("check")
def check(file: File = None, lang: words.Language = words.Lang.TH) -> None:
    """Say what is wrong with the menus, by line and with the mend. Exit code 1 where something is.

    No dead ends, no key twice, every prompt, queue and agency is there, every menu is reached.
    Prompts of the site's own stand in prompts.csv beside it, and are checked too.

    Example:  hotline menu check menu.toml
    """
    path = file or _ours()
    own, rows = beside(path), read_own_prompts(path)[1]
    for row in rows:
        typer.echo(f"{own}:{row.line}: {row.what}; {row.mend}")
    tree, faults = read_menu(path)
    for fault in faults:
        typer.echo(f"{path}:{fault.line}: {fault.what}; {fault.mend}")
    if tree is None or faults or rows:
        typer.echo(_say("wrong", lang, len(faults) + len(rows)))
        raise typer.Exit(FOUND)
    keys = sum(len(one.choices) for one in tree.menus.values())
    typer.echo(_say("well", lang, len(tree.menus), keys))


@menu.command("render")
def render(file: File = None) -> None:
    """Print the dialplan that the menus become; `hotline install` lays it down as menu.conf.

    Example:  hotline menu render > dialplan/menu.conf
    """
    typer.echo(menu_conf(file or _ours()), nl=False)


def _ours() -> Path:
    return dialplan_directory() / "menu.toml"
