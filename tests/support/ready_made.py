"""`hotline` processes that need not import the program first: forked from one that has.

Run as a program it takes orders on stdin, one JSON object a line, and says on stdout which process
it has made and how each ended. A start costs seconds of CPU otherwise, which a run with a hundred
starts beside a real Asterisk does not have.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import traceback
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_LOOK_EVERY = 0.02
COMPILED = {
    "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(_ROOT / ".pytest_cache" / "compiled"),
}  # fmt: skip
"""As an installed program is: else each start would compile it anew."""


class Ready:
    """One process, as `asyncio.subprocess.Process` is, as far as it is used here."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def ended(self, code: int) -> None:
        self.returncode = code
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # its end is not told yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ReadyMade:
    """Makes them; `async with`. They end with this process, whatever becomes of it.

    `environment` is what they, and the program they are forked from, have besides.
    """

    def __init__(self, **environment: str) -> None:
        self._environment = environment
        self._maker: asyncio.subprocess.Process | None = None
        self._made: dict[int, Ready] = {}
        self._waiting: list[tuple[asyncio.Future[Ready], asyncio.StreamReader]] = []
        self._telling: asyncio.Task[None] | None = None
        self._place = tempfile.TemporaryDirectory(prefix="hotline-ready-")
        self._count = 0

    async def __aenter__(self) -> ReadyMade:
        self._maker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.ready_made", cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **COMPILED, **self._environment},
        )  # fmt: skip
        self._telling = asyncio.create_task(self._told())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._maker is not None
        assert self._maker.stdin is not None
        self._maker.stdin.close()
        await self._maker.wait()
        if self._telling is not None:
            await self._telling
        self._place.cleanup()

    async def start(self, argv: list[str], environment: dict[str, str]) -> Ready:
        """A process that runs `hotline` with these arguments."""
        assert self._maker is not None
        assert self._maker.stdin is not None
        self._count += 1
        fifo = Path(self._place.name) / str(self._count)
        os.mkfifo(fifo)
        loop = asyncio.get_running_loop()
        stderr = asyncio.StreamReader(limit=1 << 20)
        near = os.fdopen(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stderr), near)
        made: asyncio.Future[Ready] = loop.create_future()
        self._waiting.append((made, stderr))
        order = {"argv": argv, "environment": environment, "stderr": str(fifo)}
        self._maker.stdin.write(json.dumps(order).encode() + b"\n")
        return await made

    async def _told(self) -> None:
        assert self._maker is not None
        assert self._maker.stdout is not None
        async for line in self._maker.stdout:
            pid, code = json.loads(line)
            if code is None:
                made, stderr = self._waiting.pop(0)
                ready = self._made[pid] = Ready(pid, stderr)
                made.set_result(ready)
            else:
                self._made.pop(pid).ended(code)


# --- the maker ---


def _make(order: dict[str, object]) -> int:
    """Forks; the child is `hotline` and never returns."""
    pid = os.fork()
    if pid:
        return pid
    from crm_bridge import cli

    code = 1
    try:
        os.environ.update(order["environment"])  # type: ignore[call-overload]
        os.dup2(os.open(str(order["stderr"]), os.O_WRONLY), 2)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        sys.argv = ["hotline", *order["argv"]]  # type: ignore[misc]
        cli.main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    """Makes what is ordered and tells of ends, until there are no more orders."""
    import crm_bridge.cli

    assert crm_bridge.cli
    gc.freeze()
    left: set[int] = set()
    rest = b""
    while True:
        if select.select([0], [], [], _LOOK_EVERY)[0]:
            data = os.read(0, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                pid = _make(json.loads(line))
                left.add(pid)
                _tell(pid, None)
        for pid in list(left):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                left.discard(pid)
                _tell(pid, os.waitstatus_to_exitcode(status))
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def _tell(pid: int, code: int | None) -> None:
    os.write(1, json.dumps([pid, code]).encode() + b"\n")


if __name__ == "__main__":
    _serve()
