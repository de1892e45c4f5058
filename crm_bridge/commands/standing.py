"""How the bridge stands now: for /healthz and /readyz, and for Prometheus when it asks.

Nothing is counted here: it is read off the bridge's parts when somebody wants to know, and costs
nothing while nobody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from crm_bridge.app import App, Node
from crm_bridge.clock import iso
from crm_bridge.web.health import Health, NodeHealth, Reason
from ivr.ami.reconnect import LinkState


def health(app: App) -> Health:
    """The bridge as it stands now."""
    counters = app.loop.counters
    return Health(
        started_at=iso(int(app.started_at * 1_000_000)),
        committing=any(task.get_name() == "commit" for task in asyncio.all_tasks()),
        commit_error=counters.last_error,
        commit_failing_since=_iso(counters.failing_since),
        last_commit_at=_iso(counters.last_commit_at),
        pending_bytes=app.loop.pending_bytes,
        full=app.loop.full,
        refused=counters.refused,
        nodes=tuple(_node(node) for node in app.nodes),
        stuck=None if app.vitals is None else app.vitals.stuck(),
        loop_lag_seconds=0.0 if app.vitals is None else app.vitals.loop_lag,
        seen=tuple(_seen(app)),
    )


def _node(node: Node) -> NodeHealth:
    tally = node.pipeline.tally
    return NodeHealth(
        name=node.name,
        link=node.link.state.value,
        last_error=node.link.last_error,
        failures=node.link.failures,
        connects=node.link.connects,
        events=tally.events,
        calls=tally.calls,
        open_calls=len(node.pipeline.tracker.lives),
        last_event_at=_iso(tally.last_event_at),
        lag_seconds=None if tally.last_lag is None else tally.last_lag / 1_000_000,
        waiting_bytes=node.intake.size,
        overflows=node.intake.overflows,
        failed_events=tally.failed,
        queue_limit=node.intake.limit,
    )


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)


def _seen(app: App) -> Iterator[Reason]:
    if app.vitals is not None:
        for one in app.vitals.troubles():
            yield Reason(one.code, one.where, one.what, one.mend)
    section = app.config.selfservice
    if section is None or app.selfservice is None or not app.running:
        return
    if not app.selfservice.server.listening:
        yield Reason(
            "selfservice_not_listening", f"{section.host}:{section.port}",
            "self-service does not listen; callers who ask for it get an officer",
            "free that port, or set selfservice.port and the site's `selfservice`",
        )  # fmt: skip


class Standing(Collector):
    """The bridge's state as figures, read when Prometheus asks."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: a registry else collects once to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure with its labels."""
        yield from _of_nodes(self._app.nodes)
        yield from _of_records(self._app)
        yield from _of_surroundings(self._app)
        yield from _of_going_out(self._app)


def _of_nodes(nodes: Iterable[Node]) -> Iterator[Metric]:
    read = _counter("hotline_events", "Events of Asterisk, by what became of them", "node", "fate")
    unread = _counter("hotline_reads", "Messages and bytes from AMI", "node", "kind")
    link = _gauge("hotline_link_up", "1 while the node is connected and its state known", "node")
    connects = _counter("hotline_link_connects", "Connections that came up", "node")
    failures = _gauge("hotline_link_failures", "Attempts in a row that failed", "node")
    gaps = _counter("hotline_gaps", "Times a connection that was up was lost", "node")
    unheard = _counter("hotline_gap_seconds", "Time for which nothing was heard", "node")
    queue = _gauge("hotline_event_queue_bytes", "Read and not yet worked in", "node")
    limit = _gauge("hotline_event_queue_limit_bytes", "As much may wait", "node")
    overflows = _counter("hotline_event_queue_overflows", "Links closed for a full queue", "node")
    calls = _counter("hotline_calls", "Calls that were seen to begin", "node")
    open_ = _gauge("hotline_open_calls", "Calls in progress", "node")
    for node in nodes:
        tally, framer, name = node.pipeline.tally, node.link.feed.framer, node.name
        for fate, count in (
            ("kept", tally.events), ("dropped", framer.dropped), ("unknown", tally.unread),
            ("failed", tally.failed), ("garbage", framer.garbage), ("oversized", framer.oversized),
        ):  # fmt: skip
            read.add_metric([name, fate], count)
        unread.add_metric([name, "messages"], framer.messages + framer.dropped)
        unread.add_metric([name, "bytes"], framer.bytes_fed)
        link.add_metric([name], node.link.state is LinkState.UP)
        connects.add_metric([name], node.link.connects)
        failures.add_metric([name], node.link.failures)
        gaps.add_metric([name], node.link.gaps)
        unheard.add_metric([name], node.link.unheard)
        queue.add_metric([name], node.intake.size)
        limit.add_metric([name], node.intake.limit)
        overflows.add_metric([name], node.intake.overflows)
        calls.add_metric([name], tally.calls)
        open_.add_metric([name], len(node.pipeline.tracker.lives))
    yield from (
        read, unread, link, connects, failures, gaps, unheard, queue, limit, overflows, calls,
        open_,
    )  # fmt: skip


def _of_records(app: App) -> Iterator[Metric]:
    counters = app.loop.counters
    yield _plain_counter("hotline_commits", "Commits that were saved", counters.commits)
    yield _plain_counter("hotline_commit_retries", "Commits that failed", counters.retries)
    yield _plain_counter("hotline_rows", "Rows that were written", counters.rows)
    yield _plain_counter(
        "hotline_records_refused", "Records the database would never take", counters.refused
    )
    yield _plain("hotline_pending_bytes", "Offered and not yet on disk", app.loop.pending_bytes)
    yield _plain(
        "hotline_failing_seconds", "For how long nothing could be saved; 0: it can",
        app.loop.failing_for,
    )  # fmt: skip
    yield _plain(
        "hotline_last_commit_timestamp_seconds", "When a commit was last saved",
        (counters.last_commit_at or 0) / 1_000_000,
    )  # fmt: skip


def _of_surroundings(app: App) -> Iterator[Metric]:
    reasons = _gauge("hotline_unfit", "1 for each reason for which /readyz is not fit", "reason")
    for code in sorted({reason.code for reason in health(app).reasons()}):
        reasons.add_metric([code], 1)
    yield reasons
    yield _plain("hotline_started_timestamp_seconds", "When the bridge started", app.started_at)
    if app.vitals is not None:
        vitals = app.vitals
        yield _plain("hotline_loop_lag_seconds", "The event loop's last delay", vitals.loop_lag)
        yield _plain_counter("hotline_clock_steps", "Jumps of the clock", vitals.steps)
        free = _gauge("hotline_disk_free_bytes", "Free where the bridge writes", "folder")
        for folder, count in vitals.free.items():
            free.add_metric([folder.name], count)
        yield free
        yield _plain(
            "hotline_recordings_waiting",
            "Files laid down and not yet sealed",
            vitals.voices_waiting,
        )
    if app.selfservice is not None:
        ended = _counter("hotline_selfservice_sessions", "Self-service sessions by end", "end")
        for how, count in app.selfservice.server.counts.items():
            ended.add_metric([how], count)
        yield ended
        yield _plain("hotline_selfservice_open", "Callers in it", len(app.selfservice.server))


def _of_going_out(app: App) -> Iterator[Metric]:
    if app.vitals is None:
        return
    waiting = _gauge("hotline_outbox_entries", "Entries for another CRM", "connector", "state")
    age = _gauge("hotline_outbox_age_seconds", "Age of the oldest that waits", "connector")
    now = app.clock.now_us()
    for one in app.vitals.outboxes:
        if not one.active:
            continue
        for state, count in (
            ("waiting", one.waiting), ("held", one.held), ("dead", one.dead),
        ):  # fmt: skip
            waiting.add_metric([one.connector, state], count or 0)
        oldest = one.oldest_us
        age.add_metric(
            [one.connector], 0.0 if oldest is None else max(0.0, (now - oldest) / 1_000_000)
        )
    yield waiting
    yield age
    messages = _gauge("hotline_messages", "Messages to callers and officers", "state")
    for state, count in app.vitals.messages.items():
        messages.add_metric([state], count)
    yield messages


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=labels)


def _counter(name: str, what: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, what, labels=labels)


def _plain(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)


def _plain_counter(name: str, what: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, what, value=value)
