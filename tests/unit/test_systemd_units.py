"""The units of docker/systemd: systemd reads them, they are narrow, and what they name exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm_bridge.config import load_config

UNITS = Path(__file__).parents[2] / "docker" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSED = 20
"""Tenths of systemd's own measure of exposure, of which 100 is the most."""
NOT_HERE = ("is not executable", "No such file or directory", "Failed to prepare filename")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


@needs_systemd
@pytest.mark.parametrize("unit", [*SERVICES, *UNITS.glob("*.timer")], ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_say_against_a_unit(unit: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    ).stderr
    about = [line for line in said.splitlines() if str(unit) in line or unit.name in line]
    assert [line for line in about if not any(known in line for known in NOT_HERE)] == []


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_exposes_little(unit: Path) -> None:
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_each_credential_is_a_key_of_the_configuration(unit: Path, tmp_path, monkeypatch) -> None:
    text = unit.read_text("utf-8")
    given = dict(re.findall(r"^Environment=(HOTLINE_[A-Z_]+)=%d/(\w+)$", text, re.MULTILINE))
    loaded = set(re.findall(r"^LoadCredential=(\w+):/etc/hotline/secrets/", text, re.MULTILINE))
    assert set(given.values()) == loaded
    assert given
    for name, credential in given.items():
        monkeypatch.setenv(name, str(tmp_path / credential))
    (tmp_path / "hotline.toml").write_text('[[node]]\nname = "pbx1"\n')
    load_config(tmp_path / "hotline.toml")  # an unknown key would be a mistake


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_no_secret_stands_in_a_command_line(unit: Path) -> None:
    (started,) = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    assert not re.search(r"secret|password|token|key", started.replace("/etc/hotline", ""))


def test_the_bridge_is_able_to_work_without_memory_that_is_writable_and_executable() -> None:
    program = (
        "import ctypes, pathlib, sys, tempfile\n"
        "assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0, 'the kernel has no such guard'\n"
        "import numpy, soundfile, soxr, weasyprint, argon2\n"
        "import crm_bridge.app, crm_bridge.commands.serve\n"
        "place = pathlib.Path(tempfile.mkdtemp()) / 'x.wav'\n"
        "soundfile.write(str(place), numpy.zeros(800), 8000)\n"
        "assert len(soundfile.read(str(place))[0]) == 800\n"
        "assert len(soxr.resample(numpy.zeros(800), 8000, 16000)) == 1600\n"
        "assert weasyprint.HTML(string='<p>ทดสอบ').write_pdf()\n"
        "assert argon2.PasswordHasher(memory_cost=1024).hash('x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if "no such guard" in done.stderr:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert done.returncode == 0, done.stderr
