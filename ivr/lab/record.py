"""Plays a scenario on a fresh lab and keeps what Asterisk said of it, four ways.

`NAME.capture` (every AMI event, unfiltered, with the replies to the actions the bridge runs after a
connect), `NAME.cel.csv`, `NAME.queue_log` and `NAME.driven.json` (what was done, and when).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from ivr.ami.capture import CaptureWriter
from ivr.lab.address import AMI_PORT, Claim, address
from ivr.lab.asterisk import LAB_USER, Lab, login
from ivr.lab.proxy import Proxy
from ivr.lab.root import Root, find_root
from ivr.lab.scenarios.catalogue import SCENARIOS, Scenario
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage, stage

SNAPSHOT = ("CoreStatus", "CoreShowChannels", "BridgeList", "QueueStatus")
"""The actions the bridge runs after every connect."""
_RETRY = 0.1
"""Seconds between attempts to reach an AMI that is down."""


class Recorder:
    """An AMI client that keeps every byte, and comes back after every cut."""

    def __init__(self, lab: Lab, path: Path, host: str) -> None:
        self._lab = lab
        self._host = host
        self._start = time.monotonic()
        self._capture = CaptureWriter(
            path,
            node=f"lab{lab.number}",
            asterisk=lab.root.version,
            started_at=time.time(),
            compress=True,
        )
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def open(self) -> None:
        """Begins to record; returns when the first snapshot has been answered."""
        self._task = asyncio.create_task(self._record())
        await asyncio.wait_for(self._ready.wait(), 15)

    async def close(self) -> None:
        """Ends the recording; the file is whole."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._capture.close()

    async def reconnected(self) -> None:
        """Waits for the snapshot after a cut."""
        await asyncio.wait_for(self._ready.wait(), 15)

    def _now(self) -> float:
        return time.monotonic() - self._start

    async def _record(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(self._host, AMI_PORT)
            except OSError:
                await asyncio.sleep(_RETRY)
                continue
            heard = False
            try:
                writer.write(login(LAB_USER, self._lab.secret))
                tail = b""
                asked = False
                while data := await reader.read(65536):
                    heard = True
                    self._capture.chunk(self._now(), data)
                    fresh, tail = tail + data, (tail + data)[-40:]
                    # Not at once after the login: while it boots, Asterisk has no QueueStatus yet.
                    if not asked and b"Event: FullyBooted" in fresh:
                        asked = True
                        for action in SNAPSHOT:
                            text = f"Action: {action}\r\nActionID: snapshot-{action}\r\n\r\n"
                            writer.write(text.encode())
                    if b"QueueStatusComplete" in fresh:
                        self._ready.set()
            except OSError:
                pass  # cut: noted below
            finally:
                writer.close()
                self._ready.clear()
            if heard:
                self._capture.cut(self._now())
            await asyncio.sleep(_RETRY)


async def play(
    scenario: Scenario,
    lab: Lab,
    reconnected: Callable[[], Awaitable[None]],
    proxy: Proxy | None,
) -> Stage:
    """Plays a scenario on a lab that runs, until Asterisk has no channel left.

    `reconnected` waits until the one who listens is connected; `proxy` is what he listens through.
    """
    async with stage(lab, scenario.house) as place:
        place.proxy = proxy
        place.reconnected = reconnected
        await scenario.play(place)
        await place.quiet()
        await reconnected()
        await talk(0.3)  # the last events, and the books' last lines
        return place


async def record(name: str, out: Path, root: Root | None = None) -> Stage:
    """Boots a lab, plays the scenario, writes its four files into `out` and ends the lab."""
    scenario = SCENARIOS[name]
    claim = Claim.take()
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    try:
        lab = Lab(
            out / ".lab",
            claim.number,
            root=root or await asyncio.to_thread(find_root),
            configure=scenario.configure,
        )
        async with lab:
            proxy = Proxy(address(lab.number, 2), lab.server, AMI_PORT)
            await proxy.open()
            recorder = Recorder(lab, out / f"{name}.capture", proxy.address)
            await recorder.open()
            try:
                place = await play(scenario, lab, recorder.reconnected, proxy)
            finally:
                await recorder.close()
                await proxy.close()
                for path, suffix in ((lab.cel, "cel.csv"), (lab.queue_log, "queue_log"),
                                     (lab.log, "log")):  # fmt: skip
                    if path.exists():
                        shutil.copyfile(path, out / f"{name}.{suffix}")
            book = {"scenario": name, "what": scenario.what, "number": lab.number,
                    "driven": place.book()}  # fmt: skip
            text = json.dumps(book, ensure_ascii=False, indent=1)
            (out / f"{name}.driven.json").write_text(text + "\n", "utf-8")
            return place
    finally:
        claim.release()


async def _main(out: Path, names: list[str]) -> int:
    failed = 0
    for name in names or list(SCENARIOS):
        start = time.monotonic()
        try:
            place = await record(name, out)
        except Exception as error:  # one that fails does not keep the others from being recorded
            failed += 1
            traceback.print_exc()
            sys.stdout.write(f"FAILED {name}: {type(error).__name__}: {error}\n")
            continue
        sys.stdout.write(f"{name}: {len(place.driven)} acts, {time.monotonic() - start:.1f} s\n")
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(Path(sys.argv[1]), sys.argv[2:])))
