"""What the bridge can say of itself: the pages ask for it, the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


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

    def problems(self) -> list[str]:
        """What keeps the bridge from its work, each in one sentence; empty where it is fit."""
        found = []
        for node in self.nodes:
            if node.link != "up":
                why = f": {node.last_error}" if node.last_error else ""
                found.append(f"node {node.name} is not connected ({node.link}){why}")
        if not self.committing:
            found.append("the commit loop has ended; start the bridge again")
        if self.commit_error:
            found.append(f"records are not being saved: {self.commit_error}")
        elif self.full:
            found.append("more waits to be saved than the database takes")
        return found


Ask = Callable[[], Health]
"""Gives the state now; must not wait."""
