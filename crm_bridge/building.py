"""Builds the bridge from its configuration: the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog

from crm_bridge import callers_side
from crm_bridge.alerts.floor_watch import FloorWatch
from crm_bridge.alerts.keeper import Keeper, Sources
from crm_bridge.alerts.troubles import troubles
from crm_bridge.app import App, Node
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.desk.announcements import Announcements
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.desk.screens import Screens
from crm_bridge.desk.survey_notes import SurveyNotes
from crm_bridge.nodes import systemname
from crm_bridge.outgoing import outlets
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.papers.press import Press
from crm_bridge.pipeline import Intake, NodePipeline
from crm_bridge.reconciling.rounds import ReadingRounds
from crm_bridge.records import journal, schema
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from crm_bridge.vitals import Vitals
from ivr.ami.client import REST, WATCHED
from ivr.ami.message import LINK_LOST, synthetic
from ivr.ami.reconnect import Link
from ivr.events.decode import needed
from ivr.prompts.shelf import Shelf
from ivr.steps.standards import load_standards

_log = structlog.get_logger(__name__)


async def build(config: Config, clock: Clock | None = None) -> App:
    """The bridge, its open calls restored from the journal; nothing is connected yet.

    Raises SchemaMismatch where the tables are not those of this program.
    """
    database = Database(config.database.url)
    await schema.check(database)
    loop = CommitLoop(Writer(database, tells=bool(config.connector)), Policy(linger=0))
    clock = clock or SystemClock()
    app = App(config, database, loop, clock, gateways=outlets.gateways(config))
    loop.on_commit = app.meters.committed
    app.vitals = _vitals(app)
    app.reports = MonthlyReports(database, config, clock, Press())
    directory = config.directory()
    standards = load_standards()
    floor = app.floor = Floor.of(config, database, app.hub, clock)
    callers_side.make(app, floor)
    floor.line.on_call += [app.ended, floor.control.heard]
    shelves = [Shelf(one.sounds) for one in config.node if one.sounds]
    app.announcements = Announcements(database, floor.line, clock, shelves)
    callers_side.call_back(app, floor)
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
    app.books = ReadingRounds(database, loop, app.declare, directory, standards, clock)
    app.survey_notes = SurveyNotes(database, floor.line, app.declare, clock)
    keep = needed(config.menu_contexts())
    for section in config.node:
        name = section.name or await systemname(section)
        last = await journal.last(database, name)
        pipeline = NodePipeline(name, directory, standards, loop, journal.Scribe(name, last))
        await restore(database, pipeline, last)
        pipeline.on_over = app.meters.call_over
        pipelines.append(pipeline)
        intake = Intake()
        link = Link(name, section.address(), keep, intake.put)
        intake.drop_link = link.drop
        app.nodes.append(Node(name, link, intake, pipeline))
        app.books.watch(section, name, pipeline.tracker, intake)
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


def _vitals(app: App) -> Vitals:
    config, database = app.config, app.database
    folders = [config.desk.data_dir]
    if database.sqlite and database.url.database:
        folders.insert(0, Path(database.url.database).parent)
    laid = [place for one in config.node for place in (one.recordings, one.takes) if place]
    return Vitals(database, app.clock, config.health, app.loop, folders, laid)


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
