"""The bridge as it runs: supervises its tasks and stops them in order.

The links close first, then what was read is worked in, then everything is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from crm_bridge.alerts.keeper import Keeper
from crm_bridge.cases.attachments import Store
from crm_bridge.cases.rounds import keep_going
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.desk.announcements import Announcements
from crm_bridge.desk.calling_back import CallingBack
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.kept_places import TOPIC as KEPT_PLACES
from crm_bridge.desk.lost_calls import TASKS
from crm_bridge.desk.screens import Screens
from crm_bridge.desk.survey_notes import SurveyNotes
from crm_bridge.desk.wrapups import declare_again
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.meters import Meters
from crm_bridge.outgoing import outlets
from crm_bridge.outgoing.delivery import Gateways, deliver
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.pipeline import Intake, NodePipeline, take_all, work
from crm_bridge.reconciling.rounds import ReadingRounds
from crm_bridge.recordings.rounds import Rounds
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import Walk
from crm_bridge.retention.nightly import Nightly
from crm_bridge.selfservice.service import SelfService
from crm_bridge.vitals import Vitals
from ivr.ami.errors import AmiError
from ivr.ami.reconnect import Link
from ivr.calls.call import OUTBOUND, Call, Outcome
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

FLUSH_EVERY: Final = 1.0
"""Seconds between handing changed records to the commit loop; screens do not wait for it."""


AT_ONCE: Final = 10
"""Calls of a busy line that are made into rows before others get a turn."""
TELL_LOST_EVERY: Final = 5.0
"""Seconds between telling the desks of lost calls: each of them then asks for the list."""

BEGIN_AGAIN: Final = 5.0
"""Seconds after which a task of the desk that failed is begun again."""

LOOK_FOR_UNCOUNTED: Final = 300.0
"""Seconds after which it is looked again whether somebody had all calls counted anew."""

BETWEEN_PAGES: Final = 0.05
"""Seconds between pages of old calls that are counted, for those who wait to write."""

LOST: Final = frozenset({Outcome.ABANDONED_QUEUE, Outcome.QUEUE_TIMEOUT})

STOP_WITHIN: Final = 30.0
"""Seconds a stop waits for a database that cannot take the last records."""


_GC_THRESHOLD: Final = (10_000, 20, 50)

_SWITCH: Final = 0.0005
"""Seconds for which the writer's thread may keep the event loop waiting: a caller may ring."""


@dataclass(slots=True)
class Node:
    """One Asterisk as the bridge serves it."""

    name: str
    link: Link
    intake: Intake
    pipeline: NodePipeline


@dataclass(slots=True)
class App:
    """A bridge that runs: what health, metrics and the pages look at."""

    config: Config
    database: Database
    loop: CommitLoop
    clock: Clock = field(default_factory=SystemClock)
    """The office's time: what people do is stamped by it; Asterisk's events bear their own."""
    nodes: list[Node] = field(default_factory=list)
    hub: Hub = field(default_factory=Hub)
    """What happens now, for the screens."""
    floor: Floor | None = None
    """The line and the agents for the desk; `build` makes it."""
    screens: Screens | None = None
    """What the agents' screens show; `build` makes it."""
    declare: Declare | None = None
    """Puts what officers declare on the calls' records; `build` makes it."""
    books: ReadingRounds | None = None
    """Fills what was not heard from Asterisk's own books; `build` makes it."""
    survey_notes: SurveyNotes | None = None
    """Brings in what callers answered while nobody heard; `build` makes it."""
    announcements: Announcements | None = None
    """The emergency message on the line; `build` makes it."""
    alerts: Keeper | None = None
    """Watches over the floor and the records; `build` makes it."""
    deliveries: Deliveries = field(default_factory=Deliveries)
    """What other CRMs hear of, and what comes back from them."""
    reports: MonthlyReports | None = None
    """Makes the monthly reports; `build` makes it."""
    selfservice: SelfService | None = None
    """Serves callers who need nobody; `build` makes it where it is configured."""
    vault: Vault | None = None
    """Where voices are kept; `build` makes it where there is a key."""
    voice_rounds: Rounds | None = None
    """Deletes them in time."""
    calling_back: CallingBack | None = None
    """Calls back who keeps his place in a queue; `build` makes it where it is configured."""
    gateways: Gateways = field(default_factory=dict)
    """Where messages go, by kind; without any none is sent."""
    meters: Meters = field(default_factory=Meters)
    """What is counted for Prometheus."""
    vitals: Vitals | None = None
    """Whether database, disk and clock hold; `build` makes it."""
    started_at: float = field(default_factory=time.time)
    running: bool = False
    """It serves: neither still being built nor on its way out."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _lost: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Ends the bridge cleanly: what it has read is on disk when `run` returns."""
        self._stopping.set()

    async def run(self) -> None:
        """Runs until `stop`. Raises AuthenticationFailed where a node refuses the login.

        What ends the commit loop, a bug, ends the bridge too and is raised here: one that saves
        nothing must not look alive.
        """
        with settled_memory():
            await self._run()

    async def _run(self) -> None:
        committing = asyncio.create_task(self.loop.run(), name="commit")
        self.running = True
        try:
            await self._serve(committing)
        finally:
            self.running = False
            for node in self.nodes:
                _drain(node)
            self.loop.stop()
            try:
                await self._last_commit(committing)
            finally:
                await outlets.close(self.gateways)
                await self.deliveries.close()
                await self.database.close()

    async def _last_commit(self, committing: asyncio.Task[None]) -> None:
        """Waits until all is on disk; a database that stays down does not hold up the stop."""
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await committing
        except TimeoutError:
            _log.error(
                "stopped before everything was saved",
                pending_bytes=self.loop.pending_bytes,
                why=self.loop.counters.last_error,
                mend="the books of Asterisk hold these calls: reconcile once the database is back",
            )

    async def _serve(self, committing: asyncio.Task[None]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for node in self.nodes:
                    group.create_task(node.link.run(), name=f"link {node.name}")
                    group.create_task(
                        work(
                            node.intake,
                            node.pipeline,
                            lambda: not self.loop.full,
                            partial(self._worked_in, node.name),
                        ),
                        name=f"work {node.name}",
                    )
                group.create_task(self._flush(), name="flush")
                if self.vitals is not None:
                    group.create_task(_tended("vitals", self.vitals.run), name="vitals")
                if self.floor is not None:
                    group.create_task(_tended("agents", self.floor.agents.run), name="agents")
                    supervision = self.floor.supervision.book.run
                    group.create_task(_tended("supervision", supervision), name="supervision")
                if self.screens is not None:
                    group.create_task(_tended("cards", self.screens.run), name="callers' cards")
                if self.announcements is not None:
                    keeping = _tended("announcements", self.announcements.run)
                    group.create_task(keeping, name="announcements")
                if self.alerts is not None:
                    group.create_task(_tended("alerts", self.alerts.run), name="alerts")
                if self.selfservice is not None:
                    serving = _tended("self-service", self.selfservice.run)
                    group.create_task(serving, name="self-service")
                if self.voice_rounds is not None:
                    seeing = _tended("recordings", self.voice_rounds.run)
                    group.create_task(seeing, name="recordings")
                nightly = Nightly(self.database, self.clock, self.config.retention)
                group.create_task(_tended("retention", nightly.run), name="retention")
                if self.calling_back is not None:
                    calling = _tended("calling back", self.calling_back.run)
                    group.create_task(calling, name="calling back")
                group.create_task(_tended("lost calls", self._tell_lost), name="lost calls")
                group.create_task(_tended("marks", self._declare_again), name="declare again")
                if self.books is not None:
                    group.create_task(_tended("books", self.books.run), name="books")
                if self.survey_notes is not None:
                    bringing = _tended("survey notes", self.survey_notes.run)
                    group.create_task(bringing, name="survey notes")
                group.create_task(_tended("figures", self._count_old), name="figures")
                group.create_task(self._remind(), name="reminders")
                if self.reports is not None:
                    group.create_task(_tended("reports", self.reports.run), name="reports")
                if self.deliveries.connectors:
                    group.create_task(_tended("delivery", self.deliveries.run), name="delivery")
                if self.gateways:
                    group.create_task(self._send_messages(), name="messages")
                group.create_task(_ended(committing), name="watch commit")
                await self._stopping.wait()
                for node in self.nodes:
                    node.link.stop()
                raise _Stopped
        except ExceptionGroup as ended:
            # Not `except*`: what is raised within one comes out as a group on some Python 3.11.
            _, failed = ended.split(_Stopped)
            if failed is None:
                return
            first = failed.exceptions[0]
            raise (first if isinstance(first, AmiError) else failed) from None

    def _worked_in(self, node: str, at: int) -> None:
        self.meters.worked_in(node, (self.clock.now_us() - at) / 1_000_000)

    async def _remind(self) -> None:
        desk = self.config.desk
        store = Store(desk.data_dir, round(desk.attachment_megabytes * 1_048_576))
        await keep_going(self.database, self.clock, store, self._stopping)

    async def _send_messages(self) -> None:
        retrying = outlets.retrying(self.config)
        await deliver(self.database, self.clock, self.gateways, self._stopping, retrying=retrying)

    async def _declare_again(self) -> None:
        if self.declare is None:
            return
        try:
            await declare_again(self.database, self.declare)
        except StorageError as fault:
            _log.warning("records of calls not declared again", what=fault.what, where=fault.where)

    async def _count_old(self) -> None:
        """Counts calls that are not in the figures, where there are any; others write between."""
        while True:
            walk = Walk(self.database, SOURCES)
            try:
                while await walk.step():
                    await self.clock.sleep(BETWEEN_PAGES)
            finally:
                await walk.close()
            await self.clock.sleep(LOOK_FOR_UNCOUNTED)

    def ended(self, call: Call, _event: Event) -> None:
        """Takes in a call that was lost, or called one back; never waits or raises."""
        over = call.ended_at is not None
        closed = over and any(mark.name == "closed" for mark in call.marks)
        if call.outcome in LOST or closed or (call.direction == OUTBOUND and over):
            self._lost.set()

    def wished(self) -> None:
        """Takes in that a caller asked to be called back, or how that goes on."""
        self._lost.set()
        self.hub.publish(KEPT_PLACES, KEPT_PLACES, {}, key=KEPT_PLACES)
        if self.calling_back is not None:
            self.calling_back.wake()

    async def _tell_lost(self) -> None:
        """Tells the desks that somebody waits to be called back, once that is on disk."""
        while self.declare is not None:
            await self._lost.wait()
            self._lost.clear()
            await self.declare.settle()
            self.hub.publish(TASKS, TASKS, {}, key=TASKS)
            await asyncio.sleep(TELL_LOST_EVERY)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            for node in self.nodes:
                node.pipeline.flush(most=AT_ONCE)
                while node.pipeline.due:
                    # a busy line has many: what rings meanwhile does not wait for all their rows
                    await asyncio.sleep(0)
                    node.pipeline.flush(most=AT_ONCE, further=True)


@contextlib.contextmanager
def settled_memory() -> Iterator[None]:
    """What stands now stays: looking through it for garbage again and again would cost a share of
    the CPU, and a pause each time. What comes later lives as long as its call, and is looked
    through more rarely than Python would by itself.
    """
    before, switch = gc.get_threshold(), sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        sys.setswitchinterval(switch)


class _Stopped(Exception):  # not an error: the way out of the task group
    pass


async def _tended(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs a task of the desk to its end; the line, beside it, must not end for a bug of it."""
    while True:
        try:
            return await work()
        except Exception:
            _log.exception("a task of the desk failed and is begun again", task=name)
            await asyncio.sleep(BEGIN_AGAIN)


async def _ended(committing: asyncio.Task[None]) -> None:
    """Ends the task group with the commit task, whose own error `_last_commit` then raises."""
    await asyncio.wait({committing})
    raise _Stopped


def _drain(node: Node) -> None:
    """Works in what was read before the link closed."""
    while len(node.intake):
        take_all(node.pipeline, *node.intake.take())
    node.pipeline.flush(everything=True)
