"""How long a report takes, and how long the line's event loop ever waits meanwhile.

`python -m benchmarks.papers`: a paper of the guideline's steps, a month of days and a chart, as
PDF, XLSX and CSV, each beside the same time without a press.
"""

from __future__ import annotations

import asyncio
import time
from datetime import date

from benchmarks.table import middle, table
from crm_bridge.papers.paper import FORMS, Form, Paper
from crm_bridge.papers.press import Press
from crm_bridge.reports.period import month_of
from crm_bridge.reports.sheets import Column, Kind, Sheet
from ivr.steps.standards import load_standards

ROUNDS = 5
_SECOND = 1_000_000
_CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 200">'
    + "".join(
        f'<rect x="{20 * n}" y="{9 * (n % 7)}" width="12" height="60"/>'
        f'<text x="{20 * n}" y="150">ที่ {n}</text>'
        for n in range(30)
    )
    + "</svg>"
)


def paper() -> Paper:
    """Some pages, as a manager prints them."""
    columns = (
        Column("step", ("ขั้นตอน", "Step"), Kind.TEXT),
        *(Column(f"n{n}", ("จำนวน", "Count")) for n in range(6)),
        *(Column(f"s{n}", ("เวลา", "Time"), Kind.SPAN) for n in range(4)),
    )
    steps = [s for v in load_standards().editions[-1].services.values() for s in v.steps.values()]
    rows = tuple(
        ((step.th, step.en), *range(1000, 1006), *(n * 61 * _SECOND for n in range(4)))
        for step in steps * 6
    )
    sheets = (Sheet("steps", ("ขั้นตอน", "Steps"), columns, rows),)
    return Paper(
        "benchmark", ("รายงาน", "Report"), "th", month_of(date(2026, 10, 1)), sheets, 0,
        ("ระบบ", "the system"), source="0" * 64, charts={"steps": _CHART},
    )  # fmt: skip


async def stalled(seconds: list[float], stop: asyncio.Event) -> None:
    """Notes how much later than asked each millisecond's sleep ends."""
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        seconds.append(time.perf_counter() - began - 0.001)


async def measured(work: asyncio.Task[bytes] | None, quiet: float) -> tuple[float, float]:
    """Seconds the work took (without any: `quiet`), and the loop's longest wait meanwhile."""
    stop, waits = asyncio.Event(), [0.0]
    watching = asyncio.create_task(stalled(waits, stop))
    began = time.perf_counter()
    await (asyncio.sleep(quiet) if work is None else work)
    took = time.perf_counter() - began
    stop.set()
    await watching
    return took, max(waits)


async def compare(form: Form) -> list[str]:
    """One line of the table."""
    press = Press()
    took, beside, alone = [], [], []
    for _ in range(ROUNDS):
        seconds, longest = await measured(asyncio.create_task(press.print(paper(), form)), 0)
        took.append(seconds)
        beside.append(1000 * longest)
        alone.append(1000 * (await measured(None, seconds))[1])
    return [form, middle(took), middle(beside, ".1f"), middle(alone, ".1f")]


async def main() -> None:
    rows = [await compare(form) for form in FORMS]
    print(table(["report", "seconds", "longest wait of the loop, ms", "without, ms"], rows))


if __name__ == "__main__":
    asyncio.run(main())
