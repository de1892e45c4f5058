"""The lab itself: it boots, is ready, carries a call, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.lab import sipp
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab, down, running
from ivr.lab.process import Process
from ivr.lab.root import Root
from ivr.lab.scenarios.catalogue import SCENARIOS
from ivr.lab.sipua import NotInTime, Phone, talk
from ivr.lab.stage import Stage

pytestmark = pytest.mark.line


async def test_the_lab_is_ready_when_it_says_so(lab: Lab) -> None:
    uptime = await lab.cli("core show uptime")
    assert "System uptime" in uptime
    assert "information" in await lab.cli("queue show information")


async def test_an_answered_call_is_in_both_books(on_stage: Stage) -> None:
    lab = on_stage.lab
    cel_before, log_before = _size(lab.cel), _size(lab.queue_log)
    await SCENARIOS["answered_served"].play(on_stage)
    await on_stage.quiet()
    await talk(0.2)
    cel = list(csv.reader(lab.cel.read_text("utf-8")[cel_before:].splitlines()))
    kinds = [row[1] for row in cel]
    assert kinds.count("ANSWER") == 2
    assert kinds.count("BRIDGE_ENTER") == 2
    assert "LINKEDID_END" in kinds
    assert cel[0][6] == "สมชาย ใจดี"
    log = lab.queue_log.read_text("utf-8")[log_before:]
    assert [line.split("|")[4] for line in log.splitlines() if "|information|" in line] == [
        "ENTERQUEUE",
        "CONNECT",
        "COMPLETECALLER",
    ]
    answered = next(entry.at for entry in on_stage.driven if entry.what == "1001: answers")
    in_cel = next(float(row[0]) for row in cel if row[1] == "ANSWER" and "1001" in row[4])
    assert abs(answered - in_cel) < 0.25


async def test_sipp_callers_are_served_by_sipp_officers(
    lab_root: Root, lab_number: int, tmp_path: Path
) -> None:
    configure = sipp.load_site(lab_number)
    async with Lab(tmp_path, lab_number, root=lab_root, configure=configure) as lab:
        officers = await sipp.officers(lab)
        try:
            played = await sipp.call(lab, calls=8, rate=4)
            assert played.good, played.errors
            assert played.errors == ""
        finally:
            await officers.stop()
        log = lab.queue_log.read_text("utf-8")
        assert log.count("|CONNECT|") == 8


async def test_a_crash_is_a_crash_and_the_lab_comes_back(
    lab_root: Root, lab_number: int, tmp_path: Path
) -> None:
    async with Lab(tmp_path, lab_number, root=lab_root) as lab:
        before = lab.process
        await lab.kill()
        assert before is not None
        assert not before.alive
        await lab.boot()
        assert lab.process is not None
        assert lab.process != before
        assert "System uptime" in await lab.cli("core show uptime")


async def test_down_ends_a_kept_lab_from_another_process(
    lab_root: Root, lab_number: int, tmp_path: Path
) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from ivr.lab.asterisk import Lab;"
        "asyncio.run(Lab(Path(sys.argv[1]), int(sys.argv[2]), keep=True).start())"
    )
    argv = [sys.executable, "-c", script, str(tmp_path), str(lab_number)]
    await asyncio.to_thread(subprocess.run, argv, check=True, timeout=60)
    (found,) = running(tmp_path)
    assert found.process.alive
    assert found.number == lab_number
    assert await down(tmp_path) == 1
    assert not found.process.alive
    assert not found.instance.exists()
    assert running(tmp_path) == []
    assert await down(tmp_path) == 0


async def test_a_lab_dies_with_the_process_that_made_it(
    lab_root: Root, lab_number: int, tmp_path: Path
) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from ivr.lab.asterisk import Lab\n"
        "async def main():\n"
        "    lab = Lab(Path(sys.argv[1]), int(sys.argv[2])); await lab.start()\n"
        "    print(lab.process.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    maker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), str(lab_number), stdout=subprocess.PIPE
    )
    assert maker.stdout is not None
    asterisk = Process.of(int(await asyncio.wait_for(maker.stdout.readline(), 60)))
    assert asterisk is not None
    maker.kill()
    await maker.wait()
    assert await asterisk.gone(5)


def test_a_stale_state_file_never_names_a_foreign_process(tmp_path: Path) -> None:
    ours = Process.of(os.getpid())
    assert ours is not None
    other = Process(ours.pid, ours.started + 1)  # the id was given to another process since
    other.signal(signal.SIGKILL)
    assert not other.alive
    assert ours.alive


def test_a_claimed_number_is_not_given_twice() -> None:
    first = Claim.take()
    second = Claim.take()
    assert first.number != second.number
    first.release()
    second.release()


async def test_a_telephone_says_what_it_waited_for(lab: Lab) -> None:
    phone = Phone("carrier", lab.carrier, lab.server)
    await phone.open()
    try:
        leg = await phone.call("999")
        with pytest.raises(NotInTime, match="carrier: refused with 404"):
            await leg.up()
        with pytest.raises(NotInTime, match="no call arrived"):
            await phone.incoming(0.05)
    finally:
        await phone.close()


def _size(path: Path) -> int:
    return len(path.read_text("utf-8")) if path.exists() else 0
