"""`hotline watch`: calls in progress and the last ended ones, live on the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import signal
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select

from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import acting, reads
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.commands.readiness import address, to_bridge
from crm_bridge.commands.words import Lang, say, span
from crm_bridge.config import Config, WebSection
from crm_bridge.errors import StorageError
from crm_bridge.records import schema
from crm_bridge.records.calls import StoredCall, load_call
from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls
from ivr.calls.call import Call, Micros
from ivr.steps.timing import StepTiming

_EVERY: Final = 0.5
_HEALTH_EVERY: Final = 2.0
_DAY: Final = 86_400_000_000
_BANGKOK: Final = 7 * 3_600_000_000
_AMBER: Final = 0.8
"""Share of the standard from which a step is shown in amber."""


def watch(
    config: ConfigFile = DEFAULT_CONFIG,
    lang: words.Language = Lang.TH,
    last: Annotated[
        int, typer.Option(min=0, max=50, envvar="HOTLINE_WATCH_LAST", help="Ended calls shown.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="Print the view once and end.")] = False,
) -> None:
    """Watch calls in progress and the last ended ones; Ctrl-C ends it.

    Read from the database twice a second, so it shows what is on disk, of any bridge. A step is
    amber from 80 % of its standard and red past it. Callers' numbers are shown in full: this is
    the operator's own terminal. Each call that is shown is in the audit log once a watch.

    Example:  hotline watch --config hotline.toml
    """
    run(_watch(load(config), lang, last, once))


async def _watch(config: Config, lang: Lang, last: int, once: bool) -> None:
    view = View(config, lang, last)
    console = Console(highlight=False)
    try:
        await schema.check(view.database)
        if once or not console.is_terminal:
            if not console.is_terminal:
                console.width = 100
            with acting():
                await view.look()
            await view.ask_health()
            console.print(view)
            return
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        with acting(), Live(view, console=console, auto_refresh=False, screen=True) as live:
            await view.follow(live, stopped)
    finally:
        await view.database.close()


@dataclass(slots=True)
class _Seen:
    """What the database held at the last look."""

    open: list[StoredCall] = field(default_factory=list)
    ended: list[StoredCall] = field(default_factory=list)
    today: dict[str | None, int] = field(default_factory=dict)
    """Outcome → calls that entered today."""
    trouble: str = ""


class View:
    """The picture, drawn anew from what was last looked up; ask `look` for more."""

    def __init__(self, config: Config, lang: Lang, last: int = 10) -> None:
        self.database = Database(config.database.url, busy_timeout=1.0)
        self.config = config
        self.lang = lang
        self.last = last
        self.health = ""
        self.fit = False
        self.seen = _Seen()
        self._known: dict[str, tuple[int, StoredCall]] = {}
        self._told: set[str] = set()
        """Calls whose reading is on record."""

    async def follow(self, live: Live, stopped: asyncio.Event) -> None:
        """Keeps the picture up until stopped."""
        loop = asyncio.get_running_loop()
        asked = 0.0
        while not stopped.is_set():
            await self.look()
            if loop.time() - asked >= _HEALTH_EVERY:
                asked = loop.time()
                await self.ask_health()
            live.update(self, refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _EVERY)

    async def look(self) -> None:
        """Reads what changed since the last look."""
        columns = (calls.c.call_id, calls.c.revision)
        # an interrupted call is over, though nobody knows when it ended
        up = calls.c.ended_us.is_(None) & calls.c.closed.is_(False)
        going = select(*columns).where(up).order_by(calls.c.entered_us)
        gone = select(*columns).where(~up).order_by(calls.c.entered_us.desc()).limit(self.last)
        now = SystemClock().now_us()
        midnight = (now + _BANGKOK) // _DAY * _DAY - _BANGKOK
        count = (
            select(calls.c.outcome, func.count())
            .where(calls.c.entered_us >= midnight)
            .group_by(calls.c.outcome)
        )
        try:
            async with self.database.reading() as connection:
                open_rows = (await connection.execute(going)).all()
                ended_rows = (await connection.execute(gone)).all()
                counted = (await connection.execute(count)).all()
            wanted = [(row[0], row[1]) for row in (*open_rows, *ended_rows)]
            stored = [await self._load(call_id, revision) for call_id, revision in wanted]
            await self._tell({call_id for call_id, _ in wanted})
        except StorageError as error:
            self.seen.trouble = error.what
            return
        self._known = {
            k: v for k, v in self._known.items() if k in {call_id for call_id, _ in wanted}
        }
        found = [one for one in stored if one is not None]
        self.seen = _Seen(
            open=[one for one in found if _up(one.call)],
            ended=[one for one in found if not _up(one.call)],
            today={row[0]: row[1] for row in counted},
        )

    async def _tell(self, shown: set[str]) -> None:
        """Puts on record what is shown for the first time; StorageError: then it is not shown."""
        if fresh := sorted(shown - self._told):
            await reads(self.database, [f"call:{call_id}" for call_id in fresh])
        self._told = shown

    async def _load(self, call_id: str, revision: int) -> StoredCall | None:
        known = self._known.get(call_id)
        if known is not None and known[0] == revision:
            return known[1]
        stored = await load_call(self.database, call_id)
        if stored is not None:
            self._known[call_id] = (stored.call.revision, stored)
        return stored

    async def ask_health(self) -> None:
        """Asks the bridge how it is."""
        self.fit, self.health = await asyncio.to_thread(readiness, self.config.web)

    def __rich__(self) -> Group:
        now = SystemClock().now_us()
        english = self.lang is Lang.EN
        pieces: list[Text | Table] = [
            Text("hotline 1203  ", style="bold").append(
                words.local(now, "%d %b %Y %H:%M:%S", self.lang), style="not bold"
            ),
            Text(),
            Text("calls in progress" if english else "สายที่กำลังให้บริการ", style="bold cyan"),
        ]
        if self.seen.open:
            pieces.append(self._going(now))
        else:
            pieces.append(Text("none" if english else "ไม่มี", style="dim"))
        pieces += [
            Text(),
            Text("last calls" if english else "สายล่าสุด", style="bold cyan"),
            self._gone(),
            Text(),
            self._foot(),
        ]
        return Group(*pieces)

    def _going(self, now: Micros) -> Table:
        table = _table()
        for name in ("caller", "service", "state", "step", "used", "standard"):
            table.add_column(
                say(name, self.lang), no_wrap=name != "caller",
                justify="right" if name in {"used", "standard"} else "left",
            )  # fmt: skip
        for stored in self.seen.open:
            step = step_now(stored.steps)
            table.add_row(
                words.caller(stored, self.lang),
                words.service(stored.call.service, self.lang),
                Text(state_now(stored.call, self.lang)),
                "–" if step is None else say(step.step, self.lang),
                used(step, stored.steps, now),
                span(None if step is None else (step.standard_seconds or 0) * 1_000_000),
            )
        return table

    def _gone(self) -> Table:
        table = _table()
        for name in ("entered", "caller", "service", "outcome", "officer", "steps"):
            table.add_column(say(name, self.lang), no_wrap=name not in {"caller", "steps"})
        for stored in self.seen.ended:
            call = stored.call
            table.add_row(
                words.local(call.entered_at, "%H:%M:%S", self.lang),
                words.caller(stored, self.lang),
                words.service(call.service, self.lang),
                words.outcome(call.outcome, self.lang),
                parties(call) or Text("–", style="dim"),
                words.step_marks(stored.call, stored.steps, self.lang),
            )
        return table

    def _foot(self) -> Text:
        english = self.lang is Lang.EN
        today = self.seen.today
        total = sum(today.values())
        lost = sum(today.get(name, 0) for name in ("abandoned_queue", "queue_timeout"))
        text = Text()
        if english:
            text.append(
                f"today: {total} calls, {today.get('served', 0)} served, {lost} lost in a queue"
            )
        else:
            text.append(f"วันนี้: {total} สาย ได้รับบริการ {today.get('served', 0)} หลุดจากคิว {lost}")
        text.append("  ·  ")
        text.append(self.health, style="green" if self.fit else "bold red")
        text.append("  ·  Ctrl-C ends" if english else "  ·  Ctrl-C เพื่อจบ", style="dim")
        if self.seen.trouble:
            text.append(f"  ·  {self.seen.trouble}", style="bold red")
        return text


def readiness(web: WebSection) -> tuple[bool, str]:
    """Whether the bridge there is fit, and in words."""
    connection = to_bridge(web, 2)
    try:
        connection.request("GET", "/readyz")
        state = json.loads(connection.getresponse().read())
        problems = state.get("problems")
        return (False, "; ".join(problems)) if problems else (True, "bridge ready")
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return False, f"no bridge at {address(web)}"
    finally:
        connection.close()


def step_now(steps: list[StepTiming]) -> StepTiming | None:
    """The step under way: the open one that began last."""
    going = [step for step in steps if step.ended_at is None and step.step != "log"]
    return max(going, key=lambda step: step.started_at) if going else None


def used(step: StepTiming | None, steps: list[StepTiming], now: Micros) -> Text:
    """Time used so far against the standard: amber from 80 %, red past it."""
    if step is None:
        return Text("–", style="dim")
    length = max(0, now - step.started_at)
    if step.step == "inform":  # the officer's time with the agency is not the caller's
        length -= sum(s.elapsed or 0 for s in steps if s.step == "enquire" and s.ended_at)
    share = length / (step.standard_seconds * 1_000_000) if step.standard_seconds else 0.0
    style = "bold red" if share > 1 else "yellow" if share >= _AMBER else "green"
    return Text(span(length), style=style)


def state_now(call: Call, lang: Lang) -> str:
    """What is going on in a call, from its record."""
    th, en = _state(call)
    return en if lang is Lang.EN else th


def _up(call: Call) -> bool:
    return call.ended_at is None and not call.closed


def _state(call: Call) -> tuple[str, str]:
    for leg in call.agency_legs:
        if leg.released_at is None:
            name = leg.agency or leg.number
            return f"สนทนากับ {name}", f"with {name}"
    for transfer in call.transfers:
        if transfer.ended_at is None and transfer.answered_at is None:
            name = transfer.agency or transfer.target
            return f"กำลังโอนไป {name}", f"going to {name}"
    for asked in call.consultations:
        if asked.ended_at is None:
            name = asked.agency or asked.target
            return f"{asked.by} สอบถาม {name}", f"{asked.by} asks {name}"
    for hold in call.holds:
        if hold.ended_at is None:
            return f"พักสายโดย {hold.by}", f"held by {hold.by}"
    for part in call.agents:
        if part.released_at is None:
            return f"สนทนากับ {part.agent}", f"with {part.agent}"
    for passage in call.passages:
        if passage.left_at is None:
            for attempt in passage.attempts:
                if attempt.ended_at is None:
                    return f"เรียก {attempt.agent}", f"{attempt.agent} rings"
            return f"รอในคิว {passage.queue}", f"waits in {passage.queue}"
    return ("ฟังเมนู", "in the menu") if not call.passages else ("ระหว่างทาง", "on the way")


def parties(call: Call) -> str:
    """Officers, and the agencies they handed the caller to."""
    officers = " ".join(dict.fromkeys(part.agent for part in call.agents))
    agencies = " ".join(dict.fromkeys(leg.agency or leg.number for leg in call.agency_legs))
    return f"{officers} → {agencies}" if agencies else officers


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
