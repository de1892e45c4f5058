"""The composition root: builds the bridge from its configuration, runs it, stops it in order.

The links close first, then what was read is worked in, then everything is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from crm_bridge.alerts.floor_watch import FloorWatch
from crm_bridge.alerts.keeper import Keeper, Sources
from crm_bridge.alerts.troubles import troubles
from crm_bridge.cases.attachments import Store
from crm_bridge.cases.office_hours import Week
from crm_bridge.cases.rounds import keep_going
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config, NodeSection
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.desk.announcements import Announcements
from crm_bridge.desk.calling_back import CallingBack
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.desk.lost_calls import TASKS
from crm_bridge.desk.screens import Screens
from crm_bridge.desk.wrapups import declare_again
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.outgoing import outlets
from crm_bridge.outgoing.delivery import Gateways, deliver
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.papers.press import Press
from crm_bridge.pipeline import Intake, NodePipeline, take_all, work
from crm_bridge.recordings.conversations import Conversations
from crm_bridge.recordings.rounds import Rounds
from crm_bridge.recordings.taking import Takes
from crm_bridge.recordings.vault import Vault, keyless, vault_of
from crm_bridge.recordings.voicemail import Voicemails
from crm_bridge.records import journal, schema
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import Walk
from crm_bridge.records.writer import Writer
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.guide_text import GuideText
from crm_bridge.selfservice.office import Office
from crm_bridge.selfservice.service import SelfService
from ivr.ami import actions
from ivr.ami.client import REST, WATCHED, Client, NodeAddress
from ivr.ami.errors import AmiError
from ivr.ami.feed import Feed
from ivr.ami.message import LINK_LOST, synthetic
from ivr.ami.reconnect import Link
from ivr.calls.call import OUTBOUND, Call, Outcome
from ivr.events.decode import needed
from ivr.events.types import Event
from ivr.prompts.keeping import Place
from ivr.prompts.shelf import Shelf
from ivr.steps.standards import load_standards

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
    started_at: float = field(default_factory=time.time)
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
        try:
            await self._serve(committing)
        finally:
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
                        work(node.intake, node.pipeline, lambda: not self.loop.full),
                        name=f"work {node.name}",
                    )
                group.create_task(self._flush(), name="flush")
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
                if self.calling_back is not None:
                    calling = _tended("calling back", self.calling_back.run)
                    group.create_task(calling, name="calling back")
                group.create_task(_tended("lost calls", self._tell_lost), name="lost calls")
                group.create_task(_tended("marks", self._declare_again), name="declare again")
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


@contextlib.asynccontextmanager
async def connected_to(node: NodeSection) -> AsyncIterator[Client]:
    """A connection of its own to the Asterisk, logged in. Raises AmiError."""
    client = await Client.connect(_address(node), Feed({}), lambda _messages, _at: None)
    try:
        await client.login(_address(node))
        yield client
    finally:
        client.close("asked")


async def systemname(node: NodeSection) -> str:
    """What the Asterisk calls itself (CoreSettings has it not; its own variable does)."""
    async with connected_to(node) as client:
        reply = await client.act(actions.get_variable(client.new_id("getvar"), "SYSTEMNAME"))
        return reply.get("Value", "") or node.label


def _address(node: NodeSection) -> NodeAddress:
    return NodeAddress(node.ami_host, node.ami_port, node.ami_username, node.secret())


async def build(config: Config, clock: Clock | None = None) -> App:
    """The bridge, its open calls restored from the journal; nothing is connected yet.

    Raises SchemaMismatch where the tables are not those of this program.
    """
    database = Database(config.database.url)
    await schema.check(database)
    loop = CommitLoop(Writer(database, tells=bool(config.connector)), Policy(linger=0))
    clock = clock or SystemClock()
    app = App(config, database, loop, clock, gateways=outlets.gateways(config))
    app.reports = MonthlyReports(database, config, clock, Press())
    directory = config.directory()
    standards = load_standards()
    floor = app.floor = Floor.of(config, database, app.hub, clock)
    app.vault = vault_of(config)
    messages = _messages(app)
    if config.selfservice is not None:
        places = [Place(one.sounds, one.takes) for one in config.node if one.sounds and one.takes]
        hours = config.hours
        week = Week(hours.minutes()) if hours else None
        callback = config.callback
        office = Office(
            database, clock, week, messages=messages,
            places_for=round(callback.hours * 3_600_000_000) if callback else 0,
        )  # fmt: skip
        office.call_of, office.on_wish = partial(_call_of, app), app.wished
        door = Door(
            database, clock, floor.line, config.door,
            emergency=lambda: app.announcements is not None and app.announcements.on() is not None,
            agents=floor.agents,
            card_of=lambda call_id: app.screens.board.card_of(call_id) if app.screens else None,
        )  # fmt: skip
        text = GuideText(database, clock, config.selfservice.guide_address)
        text.call_of = office.call_of
        app.selfservice = SelfService(
            config.selfservice, database, clock, places, office, door, text,
            places_kept=callback is not None,
        )  # fmt: skip
    floor.line.on_call += [app.ended, floor.control.heard]
    shelves = [Shelf(one.sounds) for one in config.node if one.sounds]
    app.announcements = Announcements(database, floor.line, clock, shelves)
    if config.callback is not None and app.selfservice is not None:
        app.calling_back = CallingBack(
            database, floor.line, clock, config.callback, app.selfservice.office.why_shut
        )
        app.calling_back.on_change = app.wished
    others = app.deliveries = await Deliveries.of(config, database, clock, app.hub)
    floor.line.on_call.append(others.heard)
    asked = [
        (others.connectors[name], section.timeout_seconds)
        for name, section in config.connector.items()
        if section.lookup
    ]
    screens = app.screens = Screens.of(
        floor, database, app.hub, standards, clock, asked, others.left_alone
    )
    pipelines: list[NodePipeline] = []
    app.declare = Declare(database, loop, pipelines, directory, standards, clock)
    app.declare.on_amended = screens.board.amended
    keep = needed(config.menu_contexts())
    for section in config.node:
        name = section.name or await systemname(section)
        last = await journal.last(database, name)
        pipeline = NodePipeline(name, directory, standards, loop, journal.Scribe(name, last))
        await restore(database, pipeline, last)
        pipelines.append(pipeline)
        intake = Intake()
        link = Link(name, _address(section), keep, intake.put)
        intake.drop_link = link.drop
        app.nodes.append(Node(name, link, intake, pipeline))
        floor.line.add(LineNode(name, link, pipeline.tracker, pipeline.members))
        pipeline.on_change = floor.line.heard
        pipeline.on_members = partial(floor.line.told, name)
        screens.take_up(live.call for live in pipeline.tracker.lives.values())
    watch = FloorWatch(floor.line, floor.agents, screens.board, standards)
    app.alerts = Keeper(
        database, app.hub, clock, config, standards,
        Sources(watch.look, partial(_troubles, app), others.wake),
    )  # fmt: skip
    app.hub.on_audience = partial(_watched, app)
    await floor.agents.load()
    floor.supervision.calls.declare = app.declare
    floor.control.declare = app.declare
    await floor.supervision.book.load()
    return app


def _messages(app: App) -> Voicemails | None:
    """What takes callers' messages in; None where there is no key, or no place where they lie."""
    rounds = app.voice_rounds = Rounds(
        app.database, app.clock, app.config.recordings, app.vault or keyless(app.config)
    )
    if app.vault is None:
        if any(one.recordings for one in app.config.node):
            _log.error(
                "conversations lie in the open: there is no key to seal them with",
                mend="set HOTLINE_RECORDINGS__KEYS__NAME, or `record = false` in the site",
            )
        return None
    takes = [Takes(one.name, one.takes) for one in app.config.node if one.takes]
    found = Voicemails(app.database, app.clock, app.vault, takes)
    found.call_of = partial(_call_of, app)
    laid = [Takes(one.name, one.recordings) for one in app.config.node if one.recordings]
    spoken = Conversations(app.database, app.clock, app.vault, laid)
    spoken.call_of, spoken.over = found.call_of, partial(_over, app)
    rounds.messages, rounds.conversations, rounds.on_taken = found, spoken, app.wished
    return found if takes else None


def _over(app: App, call_id: str, uniqueid: str) -> bool:
    """The call's line is known, and neither the call nor the channel is there any more."""
    for node in app.floor.line.nodes if app.floor is not None else ():
        if call_id == f"{node.name}-{uniqueid}":
            tracker = node.tracker
            gone = call_id not in tracker.lives and uniqueid not in tracker.net.channels
            return node.known and gone
    return False


def _call_of(app: App, uniqueid: str) -> str:
    """The id of the call that came in on this channel, heard of already or not."""
    names = [node.name for node in app.nodes]
    for node in app.nodes:
        if f"{node.name}-{uniqueid}" in node.pipeline.tracker.lives:
            return f"{node.name}-{uniqueid}"
    # Asterisk's ids begin with its own systemname
    own = [name for name in names if uniqueid.startswith(f"{name}-")]
    return f"{(own or names)[0]}-{uniqueid}"


def _troubles(app: App) -> Mapping[str, tuple[str, str]]:
    return troubles(((node.name, node.link.state) for node in app.nodes), app.loop)


def _watched(app: App, screens: int) -> None:
    """While somebody looks on, what happens is read at once; without screens it may wait a little.

    One listener is our own: it looks callers up again.
    """
    for node in app.nodes:
        node.link.rest = WATCHED if screens > 1 else REST


async def restore(database: Database, pipeline: NodePipeline, last: journal.Last | None) -> None:
    """Brings calls that were open at the last stop back to where they were, and names the gap."""
    if last is None:
        return
    earliest = await journal.open_calls(database, pipeline.node)
    if earliest is not None:
        async for piece in journal.read_since(database, pipeline.node, earliest):
            for arrived, raw in journal.decode(piece.body):
                pipeline.take(raw, arrived, journal=False)
        _log.info("open calls restored", node=pipeline.node, calls=len(pipeline.tracker.lives))
    pipeline.take(synthetic(LINK_LOST, last.to_us / 1_000_000), last.to_us)
    pipeline.flush()
