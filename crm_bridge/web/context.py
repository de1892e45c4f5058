"""What the pages work with: one object, made by the composition root, on `app.state.context`."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from functools import partial

from fastapi import Request

from crm_bridge.access.oidc import Provider
from crm_bridge.access.throttle import Throttle
from crm_bridge.alerts.keeper import Keeper
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.delivery.lookup import Lookup
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.announcements import Announcements, notices
from crm_bridge.desk.board import Board
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.screens import Screens
from crm_bridge.live.hub import Hub
from crm_bridge.meters import Meters
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.papers.press import Press
from crm_bridge.papers.publications import Publications
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.database import Database
from crm_bridge.reports.forecasting import Forecasts
from crm_bridge.web.agent.screen import Screen
from crm_bridge.web.health import Ask
from crm_bridge.web.reads import Reads
from crm_bridge.web.supervision.floor_view import FloorView
from crm_bridge.web.wallboard.alert_rows import Active
from crm_bridge.web.wallboard.kept_rows import read_places
from crm_bridge.web.wallboard.today import read_today
from crm_bridge.web.wallboard.wall import Wall
from ivr.steps.standards import Standards, load_standards


@dataclass(slots=True)
class Context:
    """The desk as its pages see it."""

    config: Config
    database: Database
    health: Ask
    clock: Clock = field(default_factory=SystemClock)
    hub: Hub = field(default_factory=Hub)
    standards: Standards = field(default_factory=load_standards)
    declare: Declare | None = None
    """Puts what officers declare on calls; `None` where pages are served without a line."""
    floor: Floor | None = None
    """The line and what can be done on it; `None` where pages are served without a line."""
    agents: Agents | None = None
    """Who sits where; `None` where pages are served without a line."""
    alerts: Keeper | None = None
    """What is raised now; `None` where pages are served without a bridge."""
    announcements: Announcements | None = None
    """The emergency message on the line; `None` where pages are served without a bridge."""
    vault: Vault | None = None
    """Where voices are kept; `None` where there is no key."""
    meters: Meters = field(default_factory=Meters)
    """What is counted for Prometheus."""
    deliveries: Deliveries | None = None
    """What carries to other CRMs; `None` where pages are served without a bridge."""
    floor_view: FloorView | None = None
    """The floor as supervisors see it; made when the first of them asks."""
    screens: InitVar[Screens | None] = None
    """What shows the line's calls; `None` where pages are served without a line."""
    board: Board = field(init=False)
    """Calls in progress as the agents' screens show them; empty for ever without a line."""
    lookup: Lookup = field(init=False)
    """The other CRMs that are asked who calls; none without a line."""
    press: Press = field(default_factory=Press)
    """What prints reports."""
    throttle: Throttle = field(default_factory=Throttle)
    forecasts: Forecasts = field(default_factory=Forecasts)
    """What was learnt of the past for the forecast of calls."""
    screen: Screen = field(init=False)
    """Calls as HTML."""
    wall: Wall = field(init=False)
    """What the wallboards show."""
    oidc: Provider | None = field(init=False)
    """The ministry's own sign-in, where one is configured."""

    reports: MonthlyReports = field(init=False)
    """The monthly reports that were made."""
    reads: Reads = field(init=False)
    """Puts on record who looked at whose data."""
    publications: Publications = field(init=False)
    """What everybody may read."""

    def __post_init__(self, screens: Screens | None) -> None:
        self.board = (
            screens.board
            if screens is not None
            else Board(self.hub, self.config.directory(), self.standards)
        )
        self.lookup = screens.lookup if screens is not None else Lookup()
        self.screen = Screen(self.config)
        self.wall = Wall(
            self.config, self.hub, self.clock, self.standards, self.health,
            partial(read_today, self.database, self.config, self.clock), self.floor, self._strip,
            partial(read_places, self.database, self.clock) if self.config.callback else None,
        )  # fmt: skip
        self.reports = MonthlyReports(self.database, self.config, self.clock, self.press)
        self.publications = Publications(self.database, self.press, self.clock, self.standards)
        self.reads = Reads(self.database, self.clock)
        self.oidc = Provider(self.config.oidc) if self.config.oidc.issuer else None

    def _strip(self) -> list[Active]:
        """What the wallboard's strip says: the emergency message, and alerts that nobody has."""
        said: list[Active] = []
        if self.announcements is not None:
            said += notices(self.announcements)
        if self.alerts is not None:
            said += self.alerts.unattended()
        return said


def context(request: Request) -> Context:
    """The context of the application that serves this request."""
    found: Context = request.app.state.context
    return found
