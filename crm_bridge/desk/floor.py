"""The floor of the hotline as one object: the line, who sits at it, what they can do and reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.control import Control
from crm_bridge.desk.directory import Directory
from crm_bridge.desk.line import Line
from crm_bridge.desk.supervision import Supervision
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database


@dataclass(frozen=True, slots=True)
class Floor:
    """What the pages ask for and act through; one for the whole bridge."""

    line: Line
    agents: Agents
    control: Control
    directory: Directory
    supervision: Supervision

    @classmethod
    def of(cls, config: Config, database: Database, hub: Hub, clock: Clock) -> Self:
        """A floor without a node yet (`Line.add`), nobody signed in (`Agents.load`)."""
        line = Line(config.directory())
        directory = Directory(config, line)
        agents = Agents(database, line, hub, clock, list(config.queue))
        supervision = Supervision.of(
            database, line, agents, directory, hub, clock, config.supervision
        )
        return cls(line, agents, Control(line, directory, clock), directory, supervision)
