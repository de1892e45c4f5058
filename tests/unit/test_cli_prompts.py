"""`hotline prompts`: the list, what is wrong, recordings of a studio brought in."""

from __future__ import annotations

import shutil
import wave

import numpy as np
import pytest

from crm_bridge.commands.findings import Grade
from crm_bridge.commands.prompt_findings import of_prompts
from crm_bridge.config import NodeSection
from ivr.lab.install import dialplan_directory, install
from ivr.lab.prompts import lay_sounds
from ivr.lab.site import Site
from ivr.prompts import checking, sound
from ivr.prompts.catalogue import Prompt, read_prompts
from ivr.prompts.shelf import Shelf, State, look, write_wave
from tests.support.cli import Hotline
from tests.support.voice import voice, write

PROMPTS = read_prompts(dialplan_directory())


def site(root):
    return Site(root=root, prompt_seconds=0.1)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """The sounds of a line where nobody has recorded anything."""
    root = tmp_path_factory.mktemp("line")
    lay_sounds(site(root), PROMPTS, dialplan_directory())
    return root


@pytest.fixture
def shelf(laid, tmp_path):
    shutil.copytree(laid, tmp_path / "line")
    return Shelf(tmp_path / "line/usr/share/asterisk/sounds")


@pytest.fixture
def hotline(tmp_path, shelf):
    run = Hotline(tmp_path / "hotline.db")
    run.environment |= {"HOTLINE_SOUNDS": str(shelf.sounds), "HOTLINE_LANG": "en"}
    return run


def everything(shelf):
    """Every file of a line's sounds with what is in it."""
    return {
        str(path.relative_to(shelf.sounds)): path.read_bytes()
        for path in shelf.sounds.rglob("*")
        if path.is_file()
    }


def prompt(name):
    return next(one for one in PROMPTS if one.id == name)


def test_the_list_has_every_prompt_with_number_text_and_states(hotline):
    said = hotline("prompts", "list", "--json")
    assert said.code == 0
    assert [one["id"] for one in said.objects] == [one.id for one in PROMPTS]
    assert [one["number"] for one in said.objects] == list(range(1, len(PROMPTS) + 1))
    states = {one["id"]: (one["state_th"], one["state_en"]) for one in said.objects}
    assert states["hotline/welcome"] == ("placeholder", "placeholder")
    assert states["digits/roi"] == ("placeholder", None)
    assert states["digits/h-3"] == (None, "placeholder")
    assert states["digits/21"] == ("placeholder", None)


def test_the_list_in_words_ends_with_how_many(hotline, shelf):
    shelf.laid("hotline/goodbye", "th").unlink()
    said = hotline("prompts", "list", "--lang", "th")
    thai = sum(one.needed("th") for one in PROMPTS)
    assert f"ภาษาไทย: {thai - 1} เสียงแทน · 1 ไม่มี" in said.out
    assert prompt("hotline/welcome").thai in said.out
    assert "English: " in hotline("prompts", "list", "--lang", "en").out


def test_a_delivery_is_brought_in_whatever_its_form(hotline, shelf, tmp_path):
    studio = tmp_path / "studio"
    write(studio / "th/hotline/welcome.wav", voice(48_000), 48_000, subtype="PCM_24")
    write(studio / "th/hotline_goodbye.FLAC", voice(44_100), 44_100, format="FLAC")
    stereo = np.stack([voice(44_100), voice(44_100)], axis=1)
    write(studio / "en/digits/h-3.mp3", stereo, 44_100, format="MP3")
    write(studio / "th/digits/1.wav", voice(8_000), 8_000, subtype="ULAW")
    said = hotline("prompts", "import", studio)
    assert (said.code, said.err) == (0, "")
    assert said.lines == [
        "✓ digits/h-3 (en) recorded",
        "✓ digits/1 (th) recorded",
        "✓ hotline/welcome (th) recorded",
        "✓ hotline/goodbye (th) recorded",
    ]
    for name, language, rates in (
        ("hotline/welcome", "th", (8_000, 16_000)),
        ("hotline/goodbye", "th", (8_000, 16_000)),
        ("digits/h-3", "en", (8_000, 16_000)),
        ("digits/1", "th", (8_000,)),
    ):
        assert shelf.state(prompt(name), language) is State.RECORDED
        for rate in (8_000, 16_000):
            assert shelf.recorded(name, language, rate).exists() == (rate in rates)
        for rate in rates:
            look(shelf.recorded(name, language, rate), rate)
    assert shelf.state(prompt("hotline/welcome"), "en") is State.PLACEHOLDER
    listed = {one["id"]: one["state_th"] for one in hotline("prompts", "list", "--json").objects}
    assert listed["hotline/welcome"] == "recorded"
    still = hotline("prompts", "list", "--open", "--json").objects
    assert "digits/1" in {one["id"] for one in still}  # its English is not recorded
    assert "digits/h-3" not in {one["id"] for one in still}
    assert hotline("prompts", "check").code == 0


def test_the_recording_before_is_kept_beside_the_new_one(hotline, shelf, tmp_path):
    first = write(tmp_path / "welcome.wav", voice(16_000, 0.5), 16_000)
    second = write(tmp_path / "again.wav", voice(8_000, 1.5), 8_000)
    number = str([one.id for one in PROMPTS].index("hotline/welcome") + 1)
    for path in (first, second):
        said = hotline("prompts", "import", path, "--prompt", number, "--language", "th")
        assert said.code == 0, said.err
    directory = shelf.recorded("hotline/welcome", "th").parent
    lengths = {}
    for path in directory.iterdir():
        with wave.open(str(path)) as file:
            lengths[path.name] = file.getnframes() / file.getframerate()
    assert lengths == {
        "welcome.wav": pytest.approx(1.6, abs=0.1),
        # the new one is a telephone's: no wide one of other words may be left to browsers
        "welcome.before.wav": pytest.approx(0.6, abs=0.1),
        "welcome.before.wav16": pytest.approx(0.6, abs=0.1),
    }


@pytest.mark.parametrize(
    ("name", "samples", "why"),
    [
        ("th/hotline/welcome.wav", np.zeros(16_000), "nothing is heard"),
        ("th/hotline/welcome.wav", np.clip(voice(16_000, loud=4.0), -1, 1), "distorted"),
        ("th/hotline/welcome.wav", np.zeros(100), "too short"),
        ("th/hotline/nobody.wav", voice(16_000), "hotline/nobody is no prompt"),
        ("hotline/welcome.wav", voice(16_000), "its language is not known"),
    ],
)
def test_a_bad_one_is_named_and_what_was_played_stays(hotline, shelf, tmp_path, name, samples, why):
    write(tmp_path / "studio/th/hotline/goodbye.wav", voice(16_000), 16_000)
    bad = write(tmp_path / "studio" / name, samples, 16_000)
    before = everything(shelf)
    said = hotline("prompts", "import", tmp_path / "studio")
    assert said.code == 1
    assert why in said.err
    assert str(bad) in said.err
    assert said.lines == ["✓ hotline/goodbye (th) recorded"]
    after = everything(shelf)
    new = {"th/custom/hotline/goodbye.wav", "th/custom/hotline/goodbye.wav16"}
    assert set(after) - set(before) == new
    assert {name: after[name] for name in before} == before


def test_a_bad_one_leaves_the_recording_that_is_there(hotline, shelf, tmp_path):
    good = write(tmp_path / "a.wav", voice(16_000), 16_000)
    words = ("--prompt", "hotline/welcome", "--language", "en")
    assert hotline("prompts", "import", good, *words).code == 0
    before = everything(shelf)
    silent = write(tmp_path / "b.wav", np.zeros(16_000), 16_000)
    said = hotline("prompts", "import", silent, *words, "--lang", "th")
    assert said.code == 1
    assert "ไม่มีเสียงพูด" in said.err
    noise = tmp_path / "c.mp3"
    noise.write_bytes(b"this is no sound" * 100)
    said = hotline("prompts", "import", noise, *words)
    assert said.code == 1
    assert "no sound can be read" in said.err
    assert everything(shelf) == before


def test_an_empty_delivery_is_no_success(hotline, tmp_path):
    (tmp_path / "studio").mkdir()
    assert hotline("prompts", "import", tmp_path / "studio").code == 1


@pytest.mark.parametrize("words", [("list",), ("check",), ("import", "."), ("play", "beep")])
def test_a_directory_of_sounds_that_is_not_there_is_named_and_not_made(hotline, tmp_path, words):
    said = hotline("prompts", *words, "--sounds", tmp_path / "nowhere")
    assert said.code == 2
    assert "hotline: " in said.err
    assert not (tmp_path / "nowhere").exists()


def test_the_name_of_a_prompt_must_be_one(hotline, tmp_path):
    path = write(tmp_path / "a.wav", voice(8_000), 8_000)
    said = hotline("prompts", "import", path, "--prompt", "9999", "--language", "th")
    assert said.code == 2
    assert "no such prompt" in said.err
    assert hotline("prompts", "import", tmp_path, "--prompt", "hotline/welcome").code == 2


def test_a_second_installation_leaves_recordings_alone(tmp_path):
    here = site(tmp_path)
    install(tmp_path / "etc", here)
    shelf = Shelf(tmp_path / "usr/share/asterisk/sounds")
    shelf.put("hotline/welcome", "th", sound.prepared(voice(16_000), 16_000))
    by_hand = shelf.laid("hotline/goodbye", "th")
    write_wave(by_hand, (voice(8_000) * 32767).astype("<i2").tobytes(), 8_000)
    shelf.laid("hotline/greeting", "en").unlink()
    before = everything(shelf)
    install(tmp_path / "etc", Site(root=tmp_path, prompt_seconds=0.2))
    after = everything(shelf)
    for name in before:
        kept = "/custom/" in name or name == "th/hotline/goodbye.wav"
        assert (after[name] == before[name]) is kept, name
    assert set(after) - set(before) == {"en/hotline/greeting.wav"}
    assert shelf.state(prompt("hotline/goodbye"), "th") is State.RECORDED


def test_asterisks_own_english_is_not_hidden_behind_a_tone(tmp_path):
    shelf = Shelf(tmp_path / "usr/share/asterisk/sounds")
    own = shelf.sounds / "en/digits/1.gsm"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\xd2")
    lay_sounds(site(tmp_path), PROMPTS, dialplan_directory())
    assert not shelf.laid("digits/1", "en").exists()
    assert shelf.find(prompt("digits/1"), "en") == (State.PACKAGED, own)
    assert shelf.state(prompt("digits/1"), "th") is State.PLACEHOLDER


def test_check_names_every_fault(hotline, shelf):
    assert hotline("prompts", "check").lines == ["every prompt is well"]
    shelf.laid("hotline/welcome", "th").unlink()
    for name, samples, rate in (
        ("hotline/goodbye", np.zeros(8_000), 8_000),
        ("hotline/greeting", np.clip(voice(8_000, loud=4.0), -1, 1), 8_000),
        ("hotline/requeued", voice(16_000), 16_000),
    ):
        at = shelf.recorded(name, "en")
        at.parent.mkdir(parents=True, exist_ok=True)
        write_wave(at, (samples * 32767).astype("<i2").tobytes(), rate)
    said = hotline("prompts", "check")
    assert said.code == 1
    assert [line.split(":")[0] for line in said.lines] == [
        "hotline/welcome (th)",
        "hotline/goodbye (en)",
        "hotline/greeting (en)",
        "hotline/requeued (en)",
    ]
    for line, why in zip(
        said.lines, ("there is no sound", "nothing is heard", "distorted", "16000 Hz"), strict=True
    ):
        assert why in line


def test_a_sound_without_row_or_text_is_a_fault(shelf, tmp_path):
    (tmp_path / "x.conf").write_text(
        "[x]\nexten => s,1,Playback(hotline/new&vm-goodbye,skip)\n"
        " same => n,Background(hotline/other)\n"
        " same => n,Read(KEY,hotline/asked,1)\n"
        " same => n,Playback(${TAKE})\n"
        "; Playback(hotline/never)\n"
        "periodic-announce = hotline/announced\n"
    )
    (tmp_path / "none").mkdir()
    always = checking.named(tmp_path / "none")
    assert {
        "digits/et",
        "hotline/status-enter",
        "hotline/status-closed",
        "hotline/act-tell",
    } < always
    assert checking.named(tmp_path) - always == {
        "hotline/new", "vm-goodbye", "hotline/other", "hotline/asked", "hotline/announced",
    }  # fmt: skip
    rows = [*PROMPTS, Prompt("hotline/mute", " ", "words", "female", "placeholder"), PROMPTS[0]]
    found = [(one.prompt, one.language) for one in checking.faults(rows, {"hotline/new"}, shelf)]
    assert found == [
        ("hotline/new", "*"),
        (PROMPTS[0].id, "*"),
        ("hotline/mute", "th"),
        ("hotline/mute", "th"),
        ("hotline/mute", "en"),
    ]


def test_play_writes_where_it_is_and_plays_it(hotline, shelf, tmp_path, monkeypatch):
    heard = tmp_path / "heard"
    player = tmp_path / "bin/aplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\necho "$@" > {heard}\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    said = hotline("prompts", "play", "hotline/welcome", "--language", "en")
    assert said.lines == [str(shelf.laid("hotline/welcome", "en"))]
    assert heard.read_text() == f"-q {shelf.laid('hotline/welcome', 'en')}\n"
    assert hotline("prompts", "play", "1").lines == [str(shelf.laid(PROMPTS[0].id, "th"))]
    assert hotline("prompts", "play", "digits/roi", "--language", "en").code == 2


def test_the_doctor_counts_placeholders_and_warns(shelf, tmp_path):
    def look(sounds):
        return next(of_prompts(NodeSection(name="pbx1", ami_secret="x" * 24, sounds=sounds)))

    assert look(None).grade is Grade.UNKNOWN
    assert look(tmp_path / "nowhere").grade is Grade.WARNING
    thai, english = (sum(one.needed(language) for one in PROMPTS) for language in ("th", "en"))
    made = sound.prepared(voice(16_000, 0.3), 16_000)
    shelf.put("hotline/welcome", "th", made)
    shelf.laid("hotline/goodbye", "en").unlink()
    found = look(shelf.sounds)
    assert found.grade is Grade.WARNING
    assert found.told == (
        f"{thai - 1} of {thai} prompts in Thai are placeholders; "
        f"{english - 1} of {english} prompts in English are placeholders, 1 have no sound at all"
    )
    for one in PROMPTS:
        for language in filter(one.needed, ("th", "en")):
            shelf.put(one.id, language, made)
    found = look(shelf.sounds)
    assert found.grade is Grade.OK
    assert found.told.startswith(f"all {thai} prompts in Thai are recorded; ")
