"""/metrics: what a call leaves there, who may read it, and that no label can grow without bound."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from crm_bridge.config_operations import MetricsSection
from tests.support.fake_ami import FakeAmi
from tests.support.live import until
from tests.support.migrated import sqlite_url
from tests.support.scenario import messages_of
from tests.support.served import Asked, bridge
from tests.support.web import app_on

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
RULES = Path(__file__).parents[2] / "docker" / "monitoring" / "alerts.yaml"


async def figures(asked: Asked) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await asked.client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_call_leaves_its_figures_and_nothing_of_its_caller(
    ami: FakeAmi, tmp_path: Path
) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        node = asked.app.nodes[0]
        _, messages = messages_of("answered_served")
        node.intake.put([raw for raw, _ in messages], time.time())
        await until("worked in", lambda: not len(node.intake) and not node.pipeline.tracker.lives)
        await asked.app.vitals.count()
        node.pipeline.flush(everything=True)
        await until("saved", lambda: not asked.app.loop.pending_bytes)
        await asked.client.get("/readyz")
        await asked.client.get("/people/0812345678")
        await asked.client.get("/no-such-page/0812345678")
        found = await figures(asked)
        text = (await asked.client.get("/metrics")).text
    on = (("node", "pbx1"),)
    assert found["hotline_calls_total", on] == 1
    assert found["hotline_open_calls", on] == 0
    assert found["hotline_link_up", on] == 1
    assert found["hotline_events_total", (("fate", "kept"), *on)] >= len(messages) // 2
    assert found["hotline_event_lag_seconds_count", on] >= 1
    assert found["hotline_commit_seconds_count", ()] >= 1
    assert found["hotline_rows_total", ()] > 5
    assert found["process_resident_memory_bytes", ()] > 0
    kept = {
        labels: value for (name, labels), value in found.items() if name == "hotline_steps_total"
    }
    assert (("service", "information"), ("state", "within"), ("step", "greet")) in kept
    assert all(value == 1 for value in kept.values())
    ready = (("method", "GET"), ("route", "/readyz"), ("status", "200"))
    assert found["hotline_http_requests_total", ready] == 1
    missing = (("method", "GET"), ("route", "(none)"), ("status", "404"))
    assert found["hotline_http_requests_total", missing] >= 1
    assert not re.search(r"0?812345678|[\u0e00-\u0e7f]", text)


async def test_what_is_wrong_stands_there_by_its_code(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        ami.silent = {"Login"}
        ami.cut()
        await until("the cut is noticed", lambda: asked.app.nodes[0].link.gaps == 1)
        found = await figures(asked)
    assert found["hotline_unfit", (("reason", "node_down"),)] == 1
    assert found["hotline_link_up", (("node", "pbx1"),)] == 0
    assert found["hotline_gaps_total", (("node", "pbx1"),)] == 1
    assert found["hotline_gap_seconds_total", (("node", "pbx1"),)] > 0


async def test_who_may_read_it(ami: FakeAmi, tmp_path: Path) -> None:
    section = MetricsSection(peers=["10.9.0.0/16"], token=SecretStr("shown"))
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db"), metrics=section) as asked:
        application = app_on(asked.context)

        async def ask(host: str, **headers: str) -> int:
            transport = httpx.ASGITransport(application, client=(host, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
                return (await client.get("/metrics", headers=headers)).status_code

        assert await ask("10.9.1.2") == 200
        assert await ask("127.0.0.1") == 403  # not on the list that was given
        assert await ask("192.0.2.1") == 403
        assert await ask("192.0.2.1", authorization="Bearer shown") == 200
        assert await ask("192.0.2.1", authorization="Bearer other") == 403
        assert await ask("no address") == 403


async def test_each_figure_that_a_rule_or_the_guide_names_is_there(
    ami: FakeAmi, tmp_path: Path
) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        families = {
            sample
            for family in text_string_to_metric_families(asked.app.meters.text().decode())
            for sample in (
                family.name, f"{family.name}_total", f"{family.name}_bucket",
                f"{family.name}_count", f"{family.name}_sum",
            )
        }  # fmt: skip
    families |= {"hotline_selfservice_sessions_total", "hotline_selfservice_open"}  # configured off
    table = GUIDE.read_text("utf-8").partition("| `code` at")[2]
    told = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    codes = set()
    for source in ("web/health.py", "vitals.py", "commands/standing.py"):
        text = (GUIDE.parents[1] / "crm_bridge" / source).read_text("utf-8")
        codes |= set(re.findall(r"(?:Reason|Trouble)\(\s*\"([a-z_]+)\"", text))
    assert codes == told
    assert len(codes) == 12
    named = set()
    for page in (RULES, GUIDE):
        named |= set(re.findall(r"\b(?:hotline|process)_[a-z_]*[a-z]\b", page.read_text("utf-8")))
    assert len(named) > 20
    assert named - families == set()
