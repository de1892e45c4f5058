"""The benchmarks still run: each claim measured once on tiny input. Figures are not judged here."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    alerts,
    delivery,
    door,
    figures,
    framing,
    ivr_paths,
    live,
    open_calls,
    pop,
    status_line,
    table,
    wallboard,
)
from benchmarks.bridge import Bridge
from benchmarks.calls import SERVED, Template
from benchmarks.feeder import reply
from benchmarks.live import Shares
from benchmarks.load import Placed, speaking
from ivr.ami.framing import Framer
from ivr.lab import sipp
from ivr.lab.install import dialplan_directory, read_menu


def test_callers_come_to_a_door() -> None:
    assert len(door.run(door.house(10, 5, 4), rounds=2, waiting=5)) == 2


def test_every_way_to_an_officer_is_gone_both_ways_and_silence_in_every_menu() -> None:
    tree, _ = read_menu(dialplan_directory() / "menu.toml")
    assert tree is not None
    found = ivr_paths.ways(tree)
    gone = {(way.keys, way.manner) for way in found}
    assert len(gone) == len(found) == 16
    for how in (ivr_paths.AT_ONCE, ivr_paths.HEARD):
        assert ((("main", "5"), ("guide", "1")), how) in gone
    assert {keys for keys, how in gone if how == ivr_paths.SILENT} == {(), (("main", "5"),)}
    told = ivr_paths.report([ivr_paths.Found(found[0], 8.2, 9.1, "complaint")])
    assert "9.1 s at the best" in told


def test_every_reader_sees_the_whole_stream(tmp_path: Path) -> None:
    stream = framing.stream_of(SERVED)
    readings = framing.run(stream, tmp_path, rounds=1)
    events = framing.events_in(stream)
    (panoramisk,), (whole,) = readings["panoramisk"], readings["whole"]
    assert panoramisk.seen >= events * 0.95  # it loses messages of its own accord
    assert whole.cost is not None
    assert whole.cost.calls == 1
    assert whole.cost.open_calls == 0
    assert "whole pipeline, committed" in framing.report(readings, stream)


def test_calls_in_progress_stay_in_progress(tmp_path: Path) -> None:
    levels = open_calls.measure(tmp_path, (2, 4), further=10, rounds=1, warm_up=0)
    assert [level.open_calls for level in levels] == [2, 4]
    assert all(level.costs[0].calls == level.open_calls + 10 for level in levels)
    assert "calls open" in open_calls.report(levels)


def test_callers_who_ask_at_once_all_have_their_answer(tmp_path: Path) -> None:
    found = status_line.run(tmp_path, rounds=1)
    assert [len(w.waited) + w.missed for w in found] == [status_line.CALLERS] * 2
    assert all(way.waited for way in found)
    assert "callers at once" in status_line.report(found)


async def test_a_look_for_alerts_sees_all_calls() -> None:
    levels = await alerts.run((4, 40), rounds=1)
    assert [level.calls for level in levels] == [4, 40]
    assert levels[1].raised > 0
    assert all(len(level.still) == len(level.changing) == 1 for level in levels)
    assert "of a core" in alerts.report(levels)


def test_copies_of_a_call_are_calls_of_their_own(tmp_path: Path) -> None:
    template = Template()
    bridge = Bridge(tmp_path)
    try:
        feed = list(template.side_by_side(0, 7, abreast=3))
        cost = bridge.work(feed, sum(map(len, feed)))
    finally:
        bridge.close()
    assert (cost.calls, cost.open_calls, cost.failed) == (7, 0, 0)
    first, second = (b"".join(template.call(number)) for number in (1, 2))
    ids = [set(_uniqueids(blob)) for blob in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]


def _uniqueids(blob: bytes) -> list[bytes]:
    found = []
    for message in Framer().feed(blob):
        found += [line for line in message.split(b"\r\n") if line.startswith(b"Uniqueid: ")]
    return found


def test_the_feeder_answers_what_the_link_asks() -> None:
    assert reply(b"Action: Ping\r\nActionID: 7") == (
        b"Response: Success\r\nActionID: 7\r\nPing: Pong\r\n\r\n"
    )
    assert b"EventList: Complete" in reply(b"Action: QueueStatus\r\nActionID: q")


def test_the_labs_scripts_can_be_made_to_speak() -> None:
    scripts = Path(sipp.__file__).parent / "sipp"
    for name in ("caller", "officer"):
        assert "g711a.pcap" in speaking((scripts / f"{name}.xml").read_text("utf-8"))


def test_the_share_is_of_asterisks_cpu() -> None:
    shares = Shares(Placed(100, 10.0, 5), 100, 4.0, 0.1, 90_000_000, 0.001)
    assert shares.share == 0.025
    assert "2.50%" in live.report(shares)


def test_process_cpu_is_read_from_proc() -> None:
    async def own() -> float:
        child = await asyncio.create_subprocess_exec("sleep", "60")
        try:
            return live.process_cpu(child.pid)
        finally:
            child.kill()
            await child.wait()

    assert asyncio.run(own()) < 1


def test_tables_align() -> None:
    assert table.table(["a", "bb"], [["long", "1"]]).splitlines()[0] == "a     bb"
    assert table.middle([1.0, 3.0, 2.0], ".1f") == "2.0 (1.0–3.0)"


def test_a_pop_is_judged_by_its_slowest() -> None:
    good = pop.Pops(200, 50, painted=[20.0] * 99 + [90.0], server=[5.0] * 100, calls=100)
    slow = pop.Pops(200, 50, painted=[20.0] * 100, server=[5.0] * 98 + [16.0, 16.0], calls=100)
    assert pop.report([good]).endswith("met")
    assert pop.report([good, slow]).endswith("NOT MET")
    lost = pop.Pops(200, 50, painted=[20.0], server=[5.0], calls=2, missed=1)
    assert pop.report([lost]).endswith("NOT MET")


def test_a_told_call_is_stamped_with_the_moment_of_its_sending() -> None:
    template = Template()
    rung = [m for m in template.call(900) if m.startswith(b"Event: AgentCalled")]
    with pop.Line() as line:
        sent: list[bytes] = []
        line.send = sent.append  # type: ignore[method-assign]  # nobody is connected
        before = time.time()
        line.tell(rung[0])
        (at,) = line.rang.values()
        assert before <= at <= time.time()
        assert b"Timestamp: %d." % int(at) in sent[0]


async def test_a_crm_is_caught_up_with_beside_its_own_limit(tmp_path: Path) -> None:
    drained = await delivery.drain(tmp_path, calls=6)
    assert drained.left == 0
    assert drained.entries >= 6
    assert drained.requests > drained.entries
    assert drained.plain > 0
    met, unmet = delivery.report(drained), delivery.report(replace(drained, left=1))
    assert "everything is through: met" in met
    assert "NOT MET" in unmet


def _meanwhile(what: str, *rounds: list[float], missed: int = 0) -> delivery.Meanwhile:
    made = [pop.Pops(50, 10.0, [30.0], took, 100, missed) for took in rounds]
    return delivery.Meanwhile(what, made)


def test_pops_are_judged_by_the_noise_of_the_rounds_without_a_crm() -> None:
    quiet = _meanwhile("no CRM", [5.0, 5.0, 20.0], [5.0, 5.0, 21.0])
    noisy = _meanwhile("no CRM", [5.0, 5.0, 20.0], [5.0, 5.0, 60.0])
    later = _meanwhile("catching up", [6.0, 6.0, 85.0], [6.0, 6.0, 50.0])
    assert "NOT MET" in delivery.pops_report([quiet, later])
    assert "missed: met" in delivery.pops_report([noisy, later])
    late_all = _meanwhile("catching up", [9.5, 20.0, 9.5], [9.5, 20.0, 9.5])
    assert "NOT MET" in delivery.pops_report([quiet, late_all])
    lost = _meanwhile("catching up", [5.0, 5.0, 20.0], missed=1)
    assert "NOT MET" in delivery.pops_report([quiet, lost])


def test_dashboards_of_a_year_are_opened_and_compared(tmp_path: Path) -> None:
    paths = [figures.made_year(tmp_path / f"{count}.db", count) for count in (40, 400)]
    said = figures.run(paths, times=1, peers=True)
    assert "grows" in said
    assert "never too short: met" in said


def test_a_figure_that_is_not_the_others_is_seen() -> None:
    row = (3, 1, 0, (1_000_000, 2_000_000, 2_000_000))
    key = ("information", "greet")
    ours = figures.Answer("ours", 0.1, {key: row}, {"information": (3, 1)})
    assert figures.differences(ours, replace(ours, way="theirs")) == []
    for other in (
        (3, 2, 0, row[3]), (3, 1, 0, (1_000_001, *row[3][1:])), (3, 1, 0, (950_000, *row[3][1:]))
    ):  # fmt: skip
        assert figures.differences(ours, replace(ours, steps={key: other}))
    assert figures.differences(ours, replace(ours, queues={"information": (3, 2)}))


async def test_screens_are_told_of_what_is_fed(tmp_path: Path) -> None:
    walls = await wallboard.measure(tmp_path, screens=3, seconds=4, browser=None)
    assert walls.calls > 0
    assert walls.changes > 0
    assert walls.late, "what a screen read was timed against what was sent"
    assert all(0 <= late < 60_000 for late in walls.late)
    assert 0 < walls.slowest <= walls.frames
    assert "3 screens" in wallboard.report(walls)


def test_walls_are_judged_by_lateness_cost_and_the_page() -> None:
    good = wallboard.Walls(50, 10.0, 10, 1000, 0.1, 0.15, [120.0] * 100, 40, 9000, 40)
    assert wallboard.report(good).endswith("met")
    for worse in (
        replace(good, late=[120.0] * 98 + [900.0] * 2),
        replace(good, with_=0.5),
        replace(good, long=[51.0]),
        replace(good, long=[51.0], own=60.0, control=3),
        replace(good, slowest=10),
        replace(good, late=[]),
    ):
        assert wallboard.report(worse).endswith("NOT MET")
    busy = replace(good, long=[90.0], own=7.0, control=3)
    assert wallboard.report(busy).endswith("by CPU): met")


def test_the_longest_task_is_the_main_threads_own() -> None:
    trace = {
        "traceEvents": [
            {"name": "thread_name", "pid": 1, "tid": 2, "args": {"name": "CrRendererMain"}},
            {"name": "RunTask", "pid": 1, "tid": 2, "dur": 90_000, "tdur": 12_000},
            {"name": "RunTask", "pid": 1, "tid": 2, "dur": 9_000, "tdur": 8_000},
            {"name": "RunTask", "pid": 1, "tid": 3, "dur": 99_000, "tdur": 99_000},
            {"name": "Paint", "pid": 1, "tid": 2, "dur": 99_000, "tdur": 99_000},
        ]
    }
    assert wallboard.longest_task(trace) == 12.0
    assert wallboard.longest_task({"traceEvents": []}) == 0.0
