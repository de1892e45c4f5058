"""Claim: a hundred callers who ask for a status at once have their answer in 50 ms (99 of 100).

The bridge's own self-service, with its database, in a process of its own; each caller is a FastAGI
connection that keys a ticket number when all others do. Measured from the reply with the last digit
to the command that plays the first word of the answer, as Asterisk sees it: what lies between is
silence. Once with the own number, once with the last four digits.
python -m benchmarks.status_line [ROUNDS]
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.live import process_cpu
from benchmarks.table import table, verdict
from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.app import settled_memory
from crm_bridge.cases import complaints
from crm_bridge.cases.complaints import Complaint
from crm_bridge.clock import SystemClock
from crm_bridge.config_selfservice import SelfServiceSection
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.selfservice.service import SelfService

CALLERS: Final = 100
ROUNDS: Final = 10
P99: Final = 50.0
"""Milliseconds."""
_CASES: Final = 100


@dataclass(slots=True)
class Answers:
    """Milliseconds from the last digit to the first word."""

    way: str
    waited: list[float] = field(default_factory=list)
    missed: int = 0
    """Callers who had none in time."""
    cpu: float = 0.0
    """Milliseconds of the bridge's CPU for a whole call, from its connection on."""


async def make_cases(url: str) -> list[str]:
    """Tickets as keyed; case n is of +66 81 000 0000 + n."""
    await upgrade(url)
    database, clock = Database(url), SystemClock()
    tickets = []
    async with database.writing() as connection:
        agent = await accounts.create(
            connection, clock, login="agent", role=Role.AGENT, name_th="เจ้าหน้าที่", name_en="Agent"
        )
        for n in range(_CASES):
            case = await complaints.record(
                connection, clock, agent,
                Complaint(
                    title="ป้ายราคา", facts="ราคาไม่ตรงป้าย", identity="concealed", consent=False,
                    complainant_name=f"ผู้ร้อง {n}", complainant_number=f"+6681{n:07}",
                ),
            )  # fmt: skip
            tickets.append(case.ticket.replace("-", ""))
    await database.close()
    return tickets


def serve(url: str, port: int) -> None:
    """Self-service by itself, as the bridge runs it, until the process is ended."""
    service = SelfService(SelfServiceSection(port=port), Database(url), SystemClock())
    with settled_memory():
        asyncio.run(service.run())


class Caller:
    """Asterisk's side of one call: every sound takes no time, every key is pressed at once."""

    def __init__(self, port: int, ticket: str, number: str, four: str) -> None:
        self._port = port
        self._ticket = ticket
        self._number = number
        self._four = four

    async def run(self, together: asyncio.Barrier) -> float | None:
        """The wait in milliseconds; the last digit is pressed when all callers' are.

        None where there was no answer in time and the caller goes to an officer.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"agi_network_script: status\nagi_language: th\nagi_callerid: {self._number}\n\n"
        writer.write(head.encode())
        asked_at, keyed = 0.0, ""
        while line := (await reader.readline()).decode():
            reply = "200 result=0\n"
            if line.startswith('GOSUB "self-sound"'):
                if asked_at:
                    waited = (time.perf_counter() - asked_at) * 1e3
                    if "status-complaint" not in line:
                        raise RuntimeError(f"not the answer: {line.strip()}")
                    writer.close()
                    return waited
                writer.write(b"100 result=0 Trying...\n")
                first = "status-enter" in line
                keyed = self._ticket if first else self._four
                if first == (not self._four):
                    await together.wait()
                    asked_at = time.perf_counter()
            elif line.startswith("GET VARIABLE"):
                reply = f"200 result=1 ({keyed})\n"
            elif '"failed"' in line:
                break
            elif line.startswith("SET VARIABLE"):
                reply = "200 result=1\n"
            writer.write(reply.encode())
        writer.close()
        if not asked_at:
            await together.wait()  # the others must not wait for this one
        return None


async def measure(port: int, pid: int, tickets: Sequence[str], rounds: int) -> list[Answers]:
    """Both ways, `rounds` times a hundred callers at once."""
    own, four = Answers("own telephone"), Answers("last four digits")
    for turn in range(rounds):
        for way in (own, four):
            together = asyncio.Barrier(CALLERS)
            callers = []
            for n in range(CALLERS):
                case = (turn * CALLERS + n) % len(tickets)
                number = f"081{case:07}" if way is own else f"089{case:07}"
                digits = "" if way is own else f"{case:07}"[-4:]
                callers.append(Caller(port, tickets[case], number, digits))
            before = process_cpu(pid)
            answers = await asyncio.gather(*(caller.run(together) for caller in callers))
            way.waited += [waited for waited in answers if waited is not None]
            way.missed += answers.count(None)
            way.cpu += (process_cpu(pid) - before) * 1e3 / rounds / CALLERS
    return [own, four]


def run(place: Path, *, rounds: int) -> list[Answers]:
    """Makes the cases, serves them, asks."""
    url = f"sqlite:///{place / 'hotline.db'}"
    tickets = asyncio.run(make_cases(url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    context = get_context("spawn")
    process = context.Process(target=serve, args=(url, port), daemon=True)
    process.start()
    try:
        _listening(port)
        pid = process.pid or 0
        asyncio.run(measure(port, pid, tickets, 1))  # the first ones find nothing ready
        return asyncio.run(measure(port, pid, tickets, rounds))
    finally:
        process.terminate()
        process.join()


def _listening(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError("self-service does not listen")


def at_rank(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(found: Sequence[Answers]) -> str:
    """The figures and how the aim came out."""
    rows = [
        [a.way, f"{len(a.waited):,}", f"{statistics.median(a.waited):.1f}",
         f"{at_rank(a.waited, 0.99):.1f}", f"{max(a.waited):.1f}", f"{a.missed}", f"{a.cpu:.2f}"]
        for a in found
    ]  # fmt: skip
    good = all(at_rank(a.waited, 0.99) <= P99 and not a.missed for a in found)
    aim = f"Aim: {P99:g} ms for 99 of 100, {CALLERS} callers at once: {verdict(good)}"
    head = ["proof", "answers", "p50", "p99", "most (ms)", "missed", "CPU a call"]
    return f"{table(head, rows)}\n{aim}"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="hotline-status-", dir="/var/tmp") as place:
        print(report(run(Path(place), rounds=rounds)), flush=True)


if __name__ == "__main__":
    main()
