"""`hotline demo`: a real Asterisk, real calls, the bridge, the desk, and what they make of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from crm_bridge.clock import SystemClock, iso
from crm_bridge.commands.calls import WIDTH, call_table
from crm_bridge.commands.demo_acts import Acts
from crm_bridge.commands.demo_cast import ROLES, Cast, Role, numbers, rounds
from crm_bridge.commands.demo_desk import Floor, NotDone
from crm_bridge.commands.demo_office import close_office, open_office, staff_table
from crm_bridge.commands.demo_report import Day, desk_report, read_day
from crm_bridge.commands.exits import UNREACHED, fail, run
from crm_bridge.commands.figures import steps_table
from crm_bridge.commands.lab import progress
from crm_bridge.commands.lab_config import write_config
from crm_bridge.commands.options import load
from crm_bridge.commands.report import made_report
from crm_bridge.commands.show import life
from crm_bridge.commands.watch import View, readiness
from crm_bridge.commands.words import Lang, Language
from crm_bridge.config import Config, WebSection
from crm_bridge.records.calls import read_calls
from crm_bridge.records.database import Database
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.overview import overview
from crm_bridge.reports.period import Period
from crm_bridge.written import office_time
from ivr.calls.call import Micros
from ivr.lab import asterisk
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.process import with_parent
from ivr.lab.root import Root, find_root

_STAGGER: Final = 8.0
"""Seconds between two callers of the one round."""
_READY: Final = 60.0
_SETTLE: Final = 10.0
_FINISH: Final = 40.0
"""Seconds the officers are given to finish at the desk after the last call."""
_SLOWLY: Final = 2.0
"""Calls a minute while somebody looks around."""
_SEATS_LEFT: Final = 3
"""Officers who go on then, so that many calls come to the one who looks around."""


def demo(
    directory: Annotated[
        Path,
        typer.Option(
            "--dir", file_okay=False, envvar="HOTLINE_DEMO_DIR", help="Where its files are kept."
        ),
    ] = Path(".lab/demo"),
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=120,
            envvar="DEMO_RATE",
            help="Calls per minute, until Ctrl-C; without it one round of a dozen calls.",
        ),
    ] = None,
    stay: Annotated[
        bool,
        typer.Option(
            "--stay",
            envvar="DEMO_STAY",
            help="Go on after the round with few calls, so that you can sign in, until Ctrl-C.",
        ),
    ] = False,
    lang: Language = Lang.TH,
) -> None:
    """Show the whole hotline at work: real calls on a real Asterisk, and the desk that serves them.

    Boots a lab, starts the bridge on it, and places a dozen calls (about two and a half minutes):
    served, abandoned, transferred, held, asked on, rejected. The officers are signed in at the desk
    and do what officers do there: complaints with their ticket numbers, Director and agency, an
    appointment, a lost call called back, the records. Ctrl-C stops all of it cleanly and leaves
    the database.

    Example:  hotline demo --stay
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    with progress() as tell:
        root = find_root(tell)
    run(_Demo(directory, rate, stay, lang, console).run(root))


@dataclass(slots=True)
class _Demo:
    """One run of the demo."""

    directory: Path
    rate: float | None
    stay: bool
    lang: Lang
    console: Console
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    quiet: bool = False
    """The terminal shows the calls; lines would break its picture."""

    def say(self, line: str) -> None:
        """A line of what happens, where no picture shows it."""
        if not self.quiet:
            self.console.print(f"         {line}")

    async def run(self, root: Root) -> None:
        """From the boot of the lab until nothing of it is left."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopped.set)
        began = SystemClock().now_us()
        with _claim() as lab_number:
            lab = Lab(self.directory, lab_number, root=root)
            with _sign(self.console, "Asterisk boots …"):
                await lab.start()
            try:
                running = next(
                    r for r in asterisk.running(self.directory) if r.number == lab_number
                )
                path = write_config(running, self.directory)
                port = _port()
                os.environ["HOTLINE_WEB__PORT"] = str(port)  # for the bridge and for the view
                config = load(path)
                self.console.print(f"[bold]{root.version}[/] at {lab.server}, configuration {path}")
                await self._office(config, path, lab, f"http://127.0.0.1:{port}", began)
            finally:
                with _sign(self.console, "stopping …"):
                    await lab.remove()
        self._look_again(path, began)

    async def _office(self, config: Config, path: Path, lab: Lab, base: str, began: Micros) -> None:
        """The bridge, its officers and its callers; the report of the round."""
        console, log = self.console, self.directory / "bridge.log"
        with _sign(console, "the office opens …"):
            office = await open_office(config, self.lang)
        floor = Floor(office, base, self.lang)
        acts = Acts(floor, self.lang, self.say)
        try:
            async with _bridge(path, log, config.web), Cast(lab, acts) as cast, floor:
                await floor.sit()
                await acts.open()
                acts.spawn(acts.oversee())
                console.print(f"bridge at {base}, its log {log}\n")
                console.print(staff_table(office, base, self.lang))
                wall = "wallboard" if self.lang is Lang.EN else "กระดานสถานะ"
                console.print(f"{wall}: {base}/wallboard")
                console.print()
                await self._show(config, cast)
                await acts.finished(0.5 if self.stopped.is_set() else _FINISH)
                await _settled(config, began)
                day = await read_day(
                    floor.people["wanida"], began, SystemClock().now_us(),
                    folder=str(config.messages.folder), pops=floor.pops, refused=acts.failed,
                )  # fmt: skip
                await self._report(config, began, cast, day)
                await self._managers(config)
                if self.stay and not self.stopped.is_set():
                    await self._stay(cast, acts, base)
        except NotDone as error:
            fail(f"the desk did not answer: {error}", UNREACHED)
        finally:
            await close_office(config)

    async def _show(self, config: Config, cast: Cast) -> None:
        """The calls, and the view of them while they are on."""
        roles = rounds() if self.rate and not self.stay else islice(rounds(), len(ROLES))
        pause = 60 / self.rate if self.rate and not self.stay else _STAGGER
        if not self.console.is_terminal:
            await self._callers(cast, roles, pause)
            return
        view = View(config, self.lang)
        over = asyncio.Event()
        self.quiet = True
        try:
            with Live(view, console=self.console, auto_refresh=False, screen=True) as live:
                following = asyncio.create_task(view.follow(live, over))
                await self._callers(cast, roles, pause)
                over.set()
                await following
        finally:
            self.quiet = False
            await view.database.close()

    async def _callers(
        self, cast: Cast, roles: Iterator[Role], pause: float,
        asked: asyncio.Event | None = None,
    ) -> None:  # fmt: skip
        """Places the calls; returns when the last is over, or when stopped.

        `asked` places the next call before its time.
        """
        calls: set[asyncio.Task[None]] = set()
        for placed, (role, number) in enumerate(zip(roles, numbers(), strict=False), 1):
            if not self.quiet:
                self.console.print(f"{placed:>3}  {number}  {role.says(self.lang)}")
            calls.add(asyncio.create_task(cast.play(role, number)))
            if await _stopped(self.stopped, pause, asked):
                break
        waiting = asyncio.ensure_future(self.stopped.wait())
        while pending := {call for call in calls if not call.done()}:
            if self.stopped.is_set():
                break
            await asyncio.wait({*pending, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _stay(self, cast: Cast, acts: Acts, base: str) -> None:
        """Callers come slowly while a person looks around, until Ctrl-C."""
        mine = next(iter(acts.floor.desks.values()))
        acts.left_to = mine.extension
        for desk in list(acts.floor.desks.values())[_SEATS_LEFT:]:
            await desk.act("/agent/sign-out")
        english = self.lang is Lang.EN
        login = mine.staff.login
        self.console.print()
        self.console.print(
            f"open {base} and sign in; as {login} you sit at {mine.extension}: its telephone"
            " answers by itself, the records of its calls are yours to write. Ctrl-C ends the demo."
            if english else
            f"เปิด {base} แล้วลงชื่อเข้าใช้ ในชื่อ {login} ท่านนั่งที่หมายเลข {mine.extension}"
            " โทรศัพท์รับสายเอง ส่วนการบันทึกสายเป็นของท่าน กด Ctrl-C เพื่อจบการสาธิต"
        )  # fmt: skip
        asked = asyncio.Event()
        with _enter(asked) as can:
            if can:
                self.console.print("Enter: a call now" if english else "กด Enter เพื่อให้มีสายเข้าทันที")
            await self._callers(cast, rounds(), 60 / (self.rate or _SLOWLY), asked)
            await acts.finished(0.5)

    async def _report(self, config: Config, began: Micros, cast: Cast, day: Day) -> None:
        database = Database(config.database.url)
        try:
            found = [stored async for stored in read_calls(database, began)]
        finally:
            await database.close()
        console, lang = self.console, self.lang
        if not found:
            console.print("no call was placed")
            return
        console.print()
        console.print(call_table(found, lang))
        handed = [s for s in found if s.call.transfers and s.call.agency_legs]
        console.print()
        console.print(life((handed or found)[0], config, lang))
        console.print()
        console.print(desk_report(day, lang))
        if cast.failed:
            console.print(f"[yellow]{cast.failed} calls did not go as scripted[/]")
        console.print()
        console.print(f"{len(found)} calls on record in {config.database.url}")

    async def _managers(self, config: Config) -> None:
        """What managers see of the day, in the terminal and as the report they sign."""
        today = office_time(SystemClock().now_us()).date()
        filters = Filters(Period(today, today))
        database = Database(config.database.url)
        try:
            found = await overview(database, config, filters.period.since, filters.period.until)
        finally:
            await database.close()
        paper = self.directory / f"report-{today}.pdf"
        made = await made_report(config, "overview", "pdf", filters, self.lang.value)
        await asyncio.to_thread(paper.write_bytes, made)
        self.console.print()
        self.console.print(steps_table(found.steps, self.lang))
        english = self.lang is Lang.EN
        self.console.print(f"{'as a report' if english else 'รายงาน'}: {paper}")

    def _look_again(self, path: Path, began: Micros) -> None:
        say = self.console.print
        english = self.lang is Lang.EN
        say("everything is stopped; look again with:" if english else "หยุดทุกอย่างแล้ว ดูอีกครั้งได้ด้วย")
        say(f"  .venv/bin/hotline calls --config {path} --since {iso(began)[:19]}Z")
        say(f"  .venv/bin/hotline show last --config {path}")
        what = "the pages; sign in as above" if english else "หน้าจอ ลงชื่อเข้าใช้ด้วยรหัสผ่านข้างต้น"
        say(f"  .venv/bin/hotline run --config {path}   [dim]{what}[/]")


async def _stopped(
    stopped: asyncio.Event, seconds: float, asked: asyncio.Event | None = None
) -> bool:
    """Waits so long, until stopped, or until asked; whether it was stopped."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stopped, asked) if event]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if asked is not None:
        asked.clear()
    return stopped.is_set()


@contextlib.contextmanager
def _enter(asked: asyncio.Event) -> Iterator[bool]:
    """Sets the event with each line typed; tells whether there is somebody to type."""
    if not sys.stdin.isatty():
        yield False
        return
    loop = asyncio.get_running_loop()

    def typed() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
        asked.set()

    loop.add_reader(sys.stdin, typed)
    try:
        yield True
    finally:
        loop.remove_reader(sys.stdin)


@contextlib.asynccontextmanager
async def _bridge(config: Path, log: Path, web: WebSection) -> AsyncIterator[None]:
    """`hotline run` as a process of its own, ended cleanly; ends the command where it will not."""
    argv = [sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(config)]
    with log.open("wb") as out:  # a small local file
        process = subprocess.Popen(  # noqa: ASYNC220  # must outlive no exception of the loop
            with_parent(argv), stdout=out, stderr=out, start_new_session=True
        )
    try:
        loop = asyncio.get_running_loop()
        end = loop.time() + _READY
        while not (await asyncio.to_thread(readiness, web))[0]:
            if process.poll() is not None or loop.time() > end:
                fail(f"the bridge did not start: {_last_line(log)}", UNREACHED)
            await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 15)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _last_line(log: Path) -> str:
    words = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(words) if line.strip()), f"see {log}")


async def _settled(config: Config, began: Micros) -> None:
    """Waits until the bridge has every call's end on record."""
    database = Database(config.database.url)
    loop = asyncio.get_running_loop()
    end = loop.time() + _SETTLE
    try:
        while loop.time() < end:
            if all([s.call.closed async for s in read_calls(database, began)]):
                return
            await asyncio.sleep(0.2)
    finally:
        await database.close()


def _port() -> int:
    """The pages' own port, or another where that is taken."""
    try:
        probe = socket.create_server(("127.0.0.1", 8203))
    except OSError:
        probe = socket.create_server(("127.0.0.1", 0))
    with probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _claim() -> Iterator[int]:
    claim = Claim.take()
    try:
        yield claim.number
    finally:
        claim.release()


def _sign(console: Console, text: str) -> contextlib.AbstractContextManager[object]:
    """A sign of life on a terminal, a line elsewhere."""
    if console.is_terminal:
        return console.status(text)
    console.print(text)
    return contextlib.nullcontext()
