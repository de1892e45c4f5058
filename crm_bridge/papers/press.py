"""The press: papers are printed in a process of their own, one at a time, with a bound on each.

A PDF takes seconds of a processor and some hundred megabytes; the line's event loop only waits for
the pipe. The process is started for one paper and ends with it, at a lower priority than the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import resource
import sys
from typing import Final

from crm_bridge.errors import HotlineError, Refused
from crm_bridge.papers.csv_paper import csv_zip
from crm_bridge.papers.paper import Form, Paper
from crm_bridge.papers.xlsx_paper import xlsx

WITHIN: Final = 120.0
"""Seconds one paper may take."""
MOST_WAITING: Final = 8
"""Papers in hand or waiting; a further one is told to come again."""
MOST_ROWS: Final[dict[Form, int]] = {"csv": 200_000, "xlsx": 50_000, "pdf": 3_000}
_CPU_SECONDS: Final = 120
_NICE: Final = 5


class PrintingFailed(HotlineError):
    """The press ended without a paper; `what` is what it said."""


class Press:
    """Prints papers one after the other."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._one = asyncio.Semaphore(1)
        self._waiting = 0

    async def print(self, paper: Paper, form: Form) -> bytes:
        """The paper's bytes. Refused where it is too long or too many wait; PrintingFailed."""
        rows = sum(len(sheet.rows) for sheet in paper.sheets)
        if rows > MOST_ROWS[form]:
            raise Refused(
                "report-too-long",
                f"รายงานมี {rows:,} แถว {form.upper()} รับได้ไม่เกิน {MOST_ROWS[form]:,} แถว"
                " โปรดเลือกช่วงเวลาสั้นลงหรือรูปแบบอื่น",
                f"The report has {rows:,} rows, a {form.upper()} takes {MOST_ROWS[form]:,}:"
                " take fewer days or another format.",
                422,
            )
        if self._waiting >= MOST_WAITING:
            raise Refused(
                "press-busy",
                "มีรายงานรอจัดทำอยู่หลายฉบับ โปรดลองใหม่ในอีกสักครู่",
                "Many reports are being made: try again in a moment.",
                503,
            )
        self._waiting += 1
        try:
            async with self._one:
                if form == "csv":
                    return await asyncio.to_thread(csv_zip, paper)
                return await self._process(paper, form)
        finally:
            self._waiting -= 1

    async def _process(self, paper: Paper, form: Form) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "crm_bridge.papers.press",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={"LANG": "C.UTF-8", "HOME": "/nonexistent"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._within):
                made, said = await process.communicate(pickle.dumps((paper, form)))
        except TimeoutError:
            raise PrintingFailed(
                f"not done in {self._within:g} s", where=f"press: {paper.id}",
                mend="take fewer days",
            ) from None  # fmt: skip
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0 or not made:
            last = said.decode(errors="replace").strip().splitlines()
            raise PrintingFailed(last[-1] if last else "no word", where=f"press: {paper.id}")
        return made


def main() -> None:
    """The process: a paper from stdin, its bytes to stdout; what fails is said on stderr."""
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    paper, form = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  from the bridge that began us
    try:
        if form == "xlsx":
            made = xlsx(paper)
        else:
            from crm_bridge.papers.pdf_paper import pdf  # noqa: PLC0415  it loads WeasyPrint

            made = pdf(paper)
    except HotlineError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
