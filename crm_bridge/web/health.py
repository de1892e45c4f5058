"""What the bridge can say of itself: the pages ask for it, the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

AHEAD: Final = 5.0
"""Seconds that an Asterisk's clock may be ahead of the bridge's before that is said."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the bridge is not fit: a word for programs, where, what in words, and the mend."""

    code: str
    where: str
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """One Asterisk as the bridge sees it."""

    name: str
    link: str
    """`waiting`, `connecting`, `snapshot`, `up` or `stopped`."""
    last_error: str | None
    failures: int
    """Attempts to connect in a row that failed."""
    connects: int
    events: int
    calls: int
    open_calls: int
    last_event_at: str | None
    lag_seconds: float | None
    """Arrival less Asterisk's own time of the last event."""
    waiting_bytes: int
    """Read and not yet worked in."""
    overflows: int
    """Times the link was closed on purpose because the queue was full."""
    failed_events: int
    """Events on which the program failed: a bug."""
    queue_limit: int = 128 * 1024 * 1024
    """As many bytes may wait to be worked in."""


@dataclass(frozen=True, slots=True)
class Health:
    """The bridge as it stands now."""

    started_at: str
    committing: bool
    """The commit loop goes on."""
    commit_error: str | None
    commit_failing_since: str | None
    last_commit_at: str | None
    pending_bytes: int
    """Offered and not yet on disk."""
    full: bool
    """More waits to be saved than the pipeline may add to."""
    refused: int
    """Records that the database would never take, set aside."""
    nodes: tuple[NodeHealth, ...] = field(default_factory=tuple)
    stuck: str | None = None
    """Why nothing gets on although all runs."""
    loop_lag_seconds: float = 0.0
    """How long the event loop last let a task wait."""
    seen: tuple[Reason, ...] = field(default_factory=tuple)
    """What was seen of database, disk, clock and self-service."""

    def reasons(self) -> list[Reason]:
        """What keeps the bridge from its work; empty where it is fit."""
        found = [reason for node in self.nodes for reason in _of_node(node)]
        found += self.dead()
        if self.commit_error:
            found.append(
                Reason(
                    "records_not_saved", "database",
                    f"records are not being saved: {self.commit_error}",
                    "they wait in memory, and are saved once that is mended",
                )
            )  # fmt: skip
        elif self.full:
            found.append(
                Reason(
                    "backlog", "database", "more waits to be saved than the database takes",
                    "see what slows the database; Asterisk's books fill what is missed",
                )
            )  # fmt: skip
        return [*found, *self.seen]

    def dead(self) -> list[Reason]:
        """Why only another start helps; empty where the bridge is alive."""
        if not self.committing:
            return [
                Reason("commit_loop_ended", "bridge",
                       "the commit loop has ended; start the bridge again")
            ]  # fmt: skip
        if self.stuck:
            return [Reason("commit_loop_stuck", "bridge", self.stuck, "start the bridge again")]
        return []

    def problems(self) -> list[str]:
        """The same, each in one sentence."""
        return [reason.what for reason in self.reasons()]


def _of_node(node: NodeHealth) -> list[Reason]:
    found = []
    if node.link == "snapshot":
        found.append(
            Reason("node_snapshot", node.name,
                   f"node {node.name} is not connected (snapshot): what goes on is being asked",
                   "nothing: it takes seconds")
        )  # fmt: skip
    elif node.link != "up":
        why = f": {node.last_error}" if node.last_error else ""
        found.append(
            Reason("node_down", node.name, f"node {node.name} is not connected ({node.link}){why}",
                   "see whether that Asterisk runs and its AMI listens: hotline doctor")
        )  # fmt: skip
    if node.waiting_bytes > node.queue_limit // 2:
        found.append(
            Reason("event_queue", node.name,
                   f"events of node {node.name} come faster than they are worked in",
                   "see what takes the processor, or slows the database")
        )  # fmt: skip
    if node.link == "up" and node.lag_seconds is not None and node.lag_seconds < -AHEAD:
        found.append(
            Reason("clock_differs", node.name,
                   f"events of node {node.name} come {-node.lag_seconds:.0f} s from the future",
                   "set both machines' clocks by the same NTP server")
        )  # fmt: skip
    return found


Ask = Callable[[], Health]
"""Gives the state now; must not wait."""
