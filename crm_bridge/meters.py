"""What the bridge counts of itself while it works, for Prometheus; one registry for one bridge.

Every label has few values: a node, a service, a step, a connector, a route's template. None is an
id, a number or a name. What can be read off the bridge when somebody asks is not counted here but
read then (`crm_bridge/commands/standing.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_LAG: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
_COMMIT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_POP: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_HTTP: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

NO_ROUTE: Final = "(none)"
"""The label of a request that no route is for: its path is anybody's words."""


class Meters:
    """Counters and histograms of one bridge, and the registry that all its figures stand in."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._lag = self._histogram(
            "hotline_event_lag_seconds",
            "From Asterisk's time of the last event of a read to its being worked in, sampled",
            ("node",), _LAG,
        )  # fmt: skip
        self._lag_of: dict[str, Histogram] = {}
        """Node → its own: looking it up by its label costs more than counting."""
        self._commit = self._histogram(
            "hotline_commit_seconds", "How long a commit took that was saved", (), _COMMIT
        )
        self._pop = self._histogram(
            "hotline_pop_seconds",
            "From Asterisk's time of the ring to the officer's page being sent the pop", (), _POP,
        )  # fmt: skip
        self._steps = Counter(
            "hotline_steps",
            "Steps of calls that are over, by how they were kept: within, over, open",
            ("step", "service", "state"), registry=self.registry,
        )  # fmt: skip
        self._requests = Counter(
            "hotline_http_requests", "Answers by route template and status",
            ("method", "route", "status"), registry=self.registry,
        )  # fmt: skip
        self._taken = self._histogram(
            "hotline_http_seconds", "From a request to the beginning of its answer", ("route",),
            _HTTP,
        )  # fmt: skip

    def _histogram(
        self, name: str, what: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        return Histogram(name, what, labels, buckets=buckets, registry=self.registry)

    def worked_in(self, node: str, lag: float) -> None:
        """A read was worked in, `lag` seconds after its last event."""
        child = self._lag_of.get(node)
        if child is None:
            child = self._lag_of[node] = self._lag.labels(node)
        child.observe(max(0.0, lag))

    def committed(self, seconds: float) -> None:
        """A commit was saved."""
        self._commit.observe(seconds)

    def popped(self, seconds: float) -> None:
        """A page was sent a call that rings, so long after the ring."""
        self._pop.observe(max(0.0, seconds))

    def call_over(self, steps: Iterable[Any]) -> None:
        """A call is over; its steps as `StepTiming`."""
        for step in steps:
            self._steps.labels(step.step, step.service, step.state).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request of this route template was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._taken.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return bytes(generate_latest(self.registry))
