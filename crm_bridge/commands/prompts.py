"""`hotline prompts`: what the line plays, what is still to be recorded, and bringing it in."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import FOUND
from crm_bridge.errors import ConfigMistake
from ivr.lab.install import dialplan_directory
from ivr.prompts import checking, studio
from ivr.prompts.catalogue import LANGUAGES, Prompt
from ivr.prompts.faults import BadSound
from ivr.prompts.shelf import Shelf, State
from ivr.prompts.site import prompts_of

prompts = typer.Typer(no_args_is_help=True, help="What the line plays, and recordings of it.")

Sounds = Annotated[
    Path,
    typer.Option(
        "--sounds",
        file_okay=False,
        envvar="HOTLINE_SOUNDS",
        help="`sounds` in Asterisk's directory of data, as `hotline install` names it.",
    ),
]
DEFAULT_SOUNDS = Path("/usr/share/asterisk/sounds")
Spoken = Annotated[
    words.Lang | None,
    typer.Option("--language", help="The language that is spoken in the recording."),
]
_PLAYERS: Final = (("aplay", "-q"), ("paplay",))
_STATES: Final = {
    State.RECORDED: ("บันทึกแล้ว", "recorded", "green"),
    State.PACKAGED: ("ของ Asterisk", "Asterisk's own", "green"),
    State.PLACEHOLDER: ("เสียงแทน", "placeholder", "yellow"),
    State.MISSING: ("ไม่มี", "missing", "bold red"),
}
_WORDS: Final = {
    "number": ("หมายเลข", "number"),
    "prompt": ("ข้อความ", "prompt"),
    "thai": ("ภาษาไทย", "Thai"),
    "english": ("ภาษาอังกฤษ", "English"),
    "text": ("คำพูด", "text"),
    "all well": ("ทุกข้อความเรียบร้อย", "every prompt is well"),
    "nothing": ("ไม่มีไฟล์เสียงใน", "there is no sound file in"),
    "kept": ("บันทึกแล้ว", "recorded"),
}


def _say(word: str, lang: words.Lang) -> str:
    return _WORDS[word][lang is words.Lang.EN]


@prompts.command("list")
def show(
    sounds: Sounds = DEFAULT_SOUNDS,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only prompts that nobody has recorded yet.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="HOTLINE_JSON", help="One prompt a line as JSON.")
    ] = False,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Every prompt with its number and text, and what is played of it in each language.

    The texts are what a studio reads; the number is what is keyed to record it by telephone.

    Example:  hotline prompts list --open
    """
    shelf, all_of_them = _shelf(sounds), prompts_of(sounds)
    rows = [
        (number, prompt, {one: shelf.state(prompt, one) for one in LANGUAGES if prompt.needed(one)})
        for number, prompt in enumerate(all_of_them, 1)
    ]
    if open_only:
        rows = [row for row in rows if {State.PLACEHOLDER, State.MISSING} & {*row[2].values()}]
    if as_json:
        for number, prompt, states in rows:
            typer.echo(json.dumps(_plain(number, prompt, states), ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column(_say("number", lang), justify="right")
    for heading in ("prompt", "thai", "english", "text"):
        table.add_column(_say(heading, lang))
    for number, prompt, states in rows:
        table.add_row(
            str(number),
            prompt.id,
            *(_state(states.get(one), lang) for one in LANGUAGES),
            Text(prompt.text(lang.value), overflow="fold"),
        )
    out = Console(highlight=False)
    out.width = out.width if out.is_terminal else WIDTH
    out.print(table)
    for one, heading in zip(LANGUAGES, ("thai", "english"), strict=True):
        counted = Counter(states[one] for _, _, states in rows if one in states)
        told = " · ".join(
            f"{counted[state]} {_STATES[state][lang is words.Lang.EN]}"
            for state in State if counted[state]
        )  # fmt: skip
        out.print(f"{_say(heading, lang)}: {told or '–'}")


@prompts.command("check")
def check(sounds: Sounds = DEFAULT_SOUNDS, lang: words.Language = words.Lang.TH) -> None:
    """Say what is wrong with the prompts: names, texts, sounds. Exit code 1 where something is.

    A placeholder is no fault here; `hotline doctor` counts them.

    Example:  hotline prompts check
    """
    shelf, played = _shelf(sounds), checking.named(dialplan_directory())
    found = list(checking.faults(prompts_of(sounds), played, shelf))
    for fault in found:
        typer.echo(f"{fault.prompt} ({fault.language}): {_of(fault, lang)}")
    if found:
        raise typer.Exit(FOUND)
    typer.echo(_say("all well", lang))


@prompts.command("play")
def play(
    prompt: Annotated[str, typer.Argument(help="Its name or number, as `list` has them.")],
    sounds: Sounds = DEFAULT_SOUNDS,
    language: Spoken = None,
) -> None:
    """Write where a prompt's sound is, and play it where this machine has aplay or paplay.

    Example:  hotline prompts play hotline/welcome --language en
    """
    wanted = _named(prompt, sounds)
    path = _shelf(sounds).find(wanted, (language or words.Lang.TH).value)[1]
    if path is None:
        raise ConfigMistake(
            f"{wanted.id} has no sound", where=str(sounds),
            mend="run hotline install, or give --sounds",
        )  # fmt: skip
    typer.echo(path)
    for player, *options in _PLAYERS:
        if path.suffix == ".wav" and shutil.which(player):
            subprocess.run([player, *options, str(path)], check=False)
            break


@prompts.command("import")
def bring_in(
    place: Annotated[
        Path,
        typer.Argument(exists=True, help="A directory th/NAME.wav, en/NAME.flac …, or one file."),
    ],
    sounds: Sounds = DEFAULT_SOUNDS,
    language: Spoken = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Of one file: the prompt's name or number.")
    ] = None,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Make recordings (WAV, FLAC, MP3) the line's: trimmed, evenly loud, as Asterisk plays them.

    A file is named as its prompt is: hotline/welcome.wav or hotline_welcome.wav, under th/ or en/
    or with --language. The recording before is kept as NAME.before.wav. One that is silent,
    distorted or of no prompt is left out and named, and what was played until now stays. Exit code
    1 where one was left out. Callers hear the new ones at once.

    Example:  hotline prompts import studio/ --sounds /usr/share/asterisk/sounds
    """
    if prompt is not None and place.is_dir():
        raise typer.BadParameter("names the prompt of one file", param_hint="--prompt")
    shelf, bad, count = _shelf(sounds), 0, 0
    one = _named(prompt, sounds).id if prompt is not None else None
    spoken = None if language is None else language.value
    for item in studio.deliveries(place, prompts_of(sounds), spoken, one):
        count += 1
        if isinstance(item, tuple):
            typer.echo(f"✗ {item[0]}: {_of(item[1], lang)}", err=True)
            bad += 1
            continue
        try:
            studio.bring_in(shelf, item)
        except BadSound as fault:
            typer.echo(f"✗ {item.path}: {_of(fault, lang)}", err=True)
            bad += 1
        except OSError as error:
            raise ConfigMistake(
                f"cannot write {error.filename}: {error.strerror}", where="--sounds",
                mend="run it as the user who owns that directory",
            ) from error  # fmt: skip
        else:
            typer.echo(f"✓ {item.prompt.id} ({item.language}) {_say('kept', lang)}")
    if not count:
        typer.echo(f"✗ {_say('nothing', lang)} {place}", err=True)
    if bad or not count:
        raise typer.Exit(FOUND)


def _shelf(sounds: Path) -> Shelf:
    """The line's sounds; raises ConfigMistake: nobody would hear a new directory elsewhere."""
    if not sounds.is_dir():
        raise ConfigMistake(
            f"there is no directory {sounds}", where="--sounds",
            mend="give the one that `hotline install` named, or run that first",
        )  # fmt: skip
    return Shelf(sounds)


def _named(prompt: str, sounds: Path) -> Prompt:
    """The line's prompt of a name or number; raises ConfigMistake."""
    for number, one in enumerate(prompts_of(sounds), 1):
        if prompt in (one.id, str(number)):
            return one
    raise ConfigMistake("there is no such prompt", where=prompt, mend="see `hotline prompts list`")


def _of(fault: checking.Fault | BadSound | studio.Unknown, lang: words.Lang) -> str:
    return fault.en if lang is words.Lang.EN else fault.th


def _state(state: State | None, lang: words.Lang) -> Text:
    if state is None:
        return Text("–", style="dim")
    *both, style = _STATES[state]
    return Text(both[lang is words.Lang.EN], style=style)


def _plain(number: int, prompt: Prompt, states: dict[str, State]) -> dict[str, object]:
    return {
        "number": number,
        "id": prompt.id,
        "voice": prompt.voice,
        "thai": prompt.thai,
        "english": prompt.english,
        **{f"state_{one}": states[one].value if one in states else None for one in LANGUAGES},
    }
