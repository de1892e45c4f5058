"""Where Asterisk comes from: the mirror in apt's sources, the stamp, a root that is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.lab import root
from ivr.lab.root import NoAsterisk, Root, debian_mirror, find_root


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HOTLINE_DEBIAN_MIRROR", raising=False)
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_the_mirror_of_a_one_line_source(apt: Path) -> None:
    (apt / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "deb http://security.example/debian-security bookworm-security main\n"
        "deb [arch=amd64 signed-by=/x.gpg] http://one.example/debian bookworm main contrib\n"
    )
    assert debian_mirror(apt) == "http://one.example/debian"


def test_the_mirror_of_a_deb822_source(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\n"
        "Enabled: no\n\n"
        "Types: deb-src deb\n# a comment\nURIs:\n http://two.example/debian\n"
        "Suites: trixie\n trixie-updates\nComponents: main\n"
    )
    (apt / "sources.list.d" / "other.list").write_text("deb http://other.example/apt stable tool\n")
    assert debian_mirror(apt) == "http://two.example/debian"


def test_ubuntu_names_no_debian_mirror(apt: Path) -> None:
    (apt / "sources.list.d" / "ubuntu.sources").write_text(
        "Types: deb\nURIs: http://u.example/ubuntu\nSuites: noble noble-updates\nComponents: main\n"
    )
    assert debian_mirror(apt) == ""


def test_the_environment_names_the_mirror(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DEBIAN_MIRROR", "http://named.example/debian")
    assert debian_mirror(apt) == "http://named.example/debian"


def _fake_root(place: Path, **stamp: object) -> None:
    for program in ("usr/sbin/asterisk", "usr/bin/sipp"):
        (place / program).parent.mkdir(parents=True, exist_ok=True)
        (place / program).touch()
    whole = {"stamp": 1, "packages": list(root.PACKAGES), "version": "Asterisk 22.1"}
    (place / "hotline-root.json").write_text(json.dumps({**whole, **stamp}))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOTLINE_CACHE", str(tmp_path))
    monkeypatch.setenv("HOTLINE_LAB", "root")
    monkeypatch.setattr(root.os, "geteuid", lambda: 0)
    return tmp_path


def test_a_stamped_root_is_taken_without_a_program_run(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_root(cache / "asterisk-sid")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_root() == Root("root", "Asterisk 22.1", cache / "asterisk-sid")


@pytest.mark.parametrize("fault", ["unstamped", "recipe", "program", "garbled"])
def test_a_root_that_is_not_whole_is_made_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    place = cache / "asterisk-sid"
    _fake_root(place, **({"packages": ["asterisk"]} if fault == "recipe" else {}))
    if fault == "unstamped":
        (place / "hotline-root.json").unlink()
    if fault == "program":
        (place / "usr" / "bin" / "sipp").unlink()
    if fault == "garbled":
        (place / "hotline-root.json").write_text("{")
    _debootstrap(cache, monkeypatch, "_fill")
    assert find_root().version == "Asterisk 22.9"
    assert (place / "made").exists()
    assert [entry.name for entry in cache.glob("asterisk-sid.*") if entry.is_dir()] == []
    (place / "made").unlink()
    assert find_root().version == "Asterisk 22.9"
    assert not (place / "made").exists()


def test_a_root_that_cannot_be_made_leaves_nothing_and_says_why(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _debootstrap(cache, monkeypatch, "_fail")
    with pytest.raises(NoAsterisk, match=r"E: no such mirror(.|\n)*HOTLINE_DEBIAN_MIRROR"):
        find_root()
    assert [entry.name for entry in cache.glob("asterisk-sid*") if entry.is_dir()] == []


def _debootstrap(cache: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A debootstrap that fills the directory, or fails; and a chroot that answers."""
    bin_directory = cache / "bin"
    bin_directory.mkdir()
    fill = 'mkdir -p "$d/usr/sbin" "$d/usr/bin" "$d/etc"; touch "$d/made" "$d/usr/sbin/asterisk"'
    script = {
        "_fill": f"#!/bin/sh\nfor d; do case $d in {cache}/*) break;; esac; done\n{fill}\n"
        'touch "$d/usr/bin/sipp"\necho "I: Base system installed successfully."\n',
        "_fail": '#!/bin/sh\necho "E: no such mirror"; exit 1\n',
    }[kind]
    chroot = '#!/bin/sh\n[ -e "$1/made" ] && [ "$3" = -V ] && echo "Asterisk 22.9" || exit 1\n'
    for name, text in (("debootstrap", script), ("chroot", chroot)):
        (bin_directory / name).write_text(text)
        (bin_directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_directory}:/usr/bin:/bin")
    monkeypatch.setattr(root, "_is_ubuntu", lambda: False)


def test_two_processes_make_one_root(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _debootstrap(cache, monkeypatch, "_fill")
    counted = cache / "bin" / "debootstrap"
    text = counted.read_text().replace("\n", f"\necho made >> {cache}/count\n", 1)
    counted.write_text(text)
    script = "from ivr.lab import root; root.os.geteuid = lambda: 0; print(root.find_root().kind)"
    makers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [maker.communicate(timeout=30)[0].strip() for maker in makers]
    assert said == ["root", "root"]
    assert (cache / "count").read_text() == "made\n"


def test_a_way_that_is_not_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_LAB", "cloud")
    with pytest.raises(NoAsterisk, match="path, docker, root"):
        find_root()
    monkeypatch.setenv("HOTLINE_LAB", "path")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoAsterisk, match="not open"):
        find_root()


def test_paths_inside_a_root_are_the_hosts_without_it(tmp_path: Path) -> None:
    place = Root("root", "22", tmp_path)
    instance = place.instance_directory(Path("x"), 7)
    assert instance == tmp_path / "srv/hotline-lab/7"
    assert place.inside(instance) == "/srv/hotline-lab/7"
    assert place.command("sipp", "-v") == ["chroot", str(tmp_path), "sipp", "-v"]
    direct = Root("path", "22")
    assert direct.command("sipp", "-v") == ["sipp", "-v"]
    assert direct.inside(Path("/a/b")) == "/a/b"
