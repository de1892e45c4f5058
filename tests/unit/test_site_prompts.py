"""A site's own prompts: `prompts.csv` beside its menus, checked, laid down, recorded like ours."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from ivr.lab.install import InstallError, dialplan_directory, install, menu_conf
from ivr.prompts.catalogue import read_prompts
from ivr.prompts.shelf import Shelf, State
from ivr.prompts.site import LAID, prompts_of, read
from tests.support import dialplan
from tests.support.cli import Hotline
from tests.support.voice import voice, write

OURS = read_prompts(dialplan_directory())
HEAD = "id,thai,english,voice,state\n"
ROW = 'hotline/site-durian,"ราคาทุเรียน กด 6","For durian prices, press 6.",female,placeholder\n'
MENU = (dialplan_directory() / "menu.toml").read_text(encoding="utf-8")
KEY = (
    '"6" = { to = "queue information", says = "hotline/site-durian",'
    ' th = "ทุเรียน", en = "Durian" }\n'
)


@pytest.fixture
def own(tmp_path):
    """A menu with a key of the site's own, and the slow form that says it too."""
    place = tmp_path / "site"
    place.mkdir()
    slow = next(prompt for prompt in OURS if prompt.id == "hotline/menu-main-slow")
    rows = list(csv.reader([ROW]))
    rows.append(
        ["hotline/site-slow", f"{slow.thai} {rows[0][1]}", f"{slow.english} {rows[0][2]}", "female",
         "placeholder"]
    )  # fmt: skip
    with (place / "prompts.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(HEAD)
        csv.writer(file, lineterminator="\n").writerows(rows)
    menu, head = place / "menu.toml", "[menu.main.keys]\n"
    text = MENU.replace(slow.id, "hotline/site-slow").replace(head, head + KEY)
    menu.write_text(text, encoding="utf-8")
    return menu


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "first line"),
        ("id,thai,english\n", 1, "first line"),
        (HEAD + ROW + ROW, 3, "there twice: line 2 has it"),
        (HEAD + ROW.replace("site-durian", "welcome"), 2, "the hotline itself has it"),
        (HEAD + ROW.replace("hotline/site", "../site"), 2, "names no prompt"),
        (HEAD + ROW.replace("site-durian", "Site durian"), 2, "names no prompt"),
        (HEAD + ROW.replace("ราคาทุเรียน กด 6", " "), 2, "no text in Thai"),
        (HEAD + ROW.replace("For durian prices, press 6.", "a\nb"), 3, "no text in English"),
        (HEAD + ROW.replace("female", ""), 2, "no voice"),
        (HEAD + ROW.replace("placeholder", "recorded"), 2, "the state of"),
        (HEAD + "hotline/x,a\n", 2, "2 values in place of 5"),
        (HEAD + 'hotline/x,"a" b,c,female,placeholder\n', 2, "is not CSV"),
    ],
)
def test_what_is_wrong_is_told_by_its_line(text, line, what):
    found, faults = read(text, OURS)
    assert [(fault.line, what in fault.what) for fault in faults] == [(line, True)]
    assert all(fault.mend for fault in faults)
    assert len(found) <= 1


def test_it_is_played_recorded_and_counted_as_ours_are(tmp_path, own):
    hotline = Hotline(tmp_path / "hotline.db")
    hotline.environment |= {"HOTLINE_LANG": "en"}
    assert hotline("menu", "check", own).code == 0
    assert "hotline/site-durian&" in menu_conf(own)
    installed = install(tmp_path / "etc", replace(dialplan.site(tmp_path), menu=own))
    number = len(OURS) + 1
    numbers = (installed.config / "prompt-numbers.conf").read_text(encoding="utf-8")
    assert f"exten => {number},1,Set(PROMPT=hotline/site-durian)" in numbers
    shelf = Shelf(installed.sounds)
    everyone = prompts_of(installed.sounds)
    mine = everyone[len(OURS)]
    assert everyone[: len(OURS)] == OURS
    assert [one.id for one in everyone[len(OURS) :]] == ["hotline/site-durian", "hotline/site-slow"]
    assert {shelf.state(mine, lang) for lang in ("th", "en")} == {State.PLACEHOLDER}

    hotline.environment |= {"HOTLINE_SOUNDS": str(installed.sounds)}
    listed = hotline("prompts", "list", "--json").objects[number - 1]
    assert (listed["number"], listed["id"]) == (number, "hotline/site-durian")
    recording = tmp_path / "take.wav"
    write(recording, voice(16_000, 1.0), 16_000)
    said = hotline("prompts", "import", recording, "--prompt", number, "--language", "th")
    assert said.code == 0, said.err
    assert shelf.state(mine, "th") is State.RECORDED
    assert hotline("prompts", "check").code == 0
    # without it the line has ours alone
    install(tmp_path / "etc", dialplan.site(tmp_path))
    assert not (installed.sounds / LAID).exists()
    assert prompts_of(installed.sounds) == OURS


def test_a_faulty_file_is_refused_before_anything_is_written(tmp_path, own):
    prompts = own.parent / "prompts.csv"
    prompts.write_text(HEAD + ROW.replace("female", ""), encoding="utf-8")
    with pytest.raises(InstallError, match=r"prompts: .*prompts\.csv:2: .* no voice; write female"):
        install(tmp_path / "etc", replace(dialplan.site(tmp_path), menu=own))
    assert not (tmp_path / "etc").exists()
    hotline = Hotline(tmp_path / "hotline.db")
    said = hotline("menu", "check", own, "--lang", "en")
    assert said.code == 1
    assert said.lines[0].startswith(f"{prompts}:2: hotline/site-durian has no voice")
    assert "there is no prompt 'hotline/site-durian'" in said.out
