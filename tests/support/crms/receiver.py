"""The receiver that docs/connectors/webhook.md shows, run as a reader of the page would run it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from crm_bridge.connectors.webhook.signing import new_secret
from tests.support.ports import free_port

PAGE = Path(__file__).parents[3] / "docs" / "connectors" / "webhook.md"
START_SECONDS = 20.0


def shown() -> str:
    """The program on the page: its only block of Python that is a receiver."""
    blocks = PAGE.read_text("utf-8").split("```python\n")[1:]
    (found,) = [b.split("\n```")[0] for b in blocks if "HTTPServer(" in b]
    return found + "\n"


@dataclass(slots=True)
class Receiver:
    """One receiver: `start` and `stop` as often as wanted, its database stays."""

    folder: Path
    port: int
    secret: str
    _server: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """Where events go."""
        return f"http://127.0.0.1:{self.port}/hotline/events"

    def start(self) -> None:
        """Starts the program and returns when it answers."""
        program = self.folder / "receiver.py"
        program.write_text(shown(), "utf-8")
        with (self.folder / "receiver.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, str(program), str(self.port), str(self.database), self.secret],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the receiver did not start: {self.log()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it."""
        server, self._server = self._server, None
        if server is not None:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    @property
    def database(self) -> Path:
        """Where it keeps what it took."""
        return self.folder / "receiver.sqlite"

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "receiver.log").read_text("utf-8", "replace")

    def rows(self, statement: str, *given: Any) -> list[tuple[Any, ...]]:
        """Looks into its database, or writes there as one of its own people would."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            return connection.execute(statement, given).fetchall()

    def events(self) -> list[dict[str, Any]]:
        """Every event that it took, in order."""
        return [
            json.loads(event) for (event,) in self.rows("SELECT event FROM seen ORDER BY rowid")
        ]

    def _answers(self) -> bool:
        try:
            return httpx.post(self.url, content=b"", trust_env=False, timeout=5).status_code == 401
        except httpx.HTTPError:
            return False


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """A receiver of the block's own, already running."""
    made = Receiver(folder, free_port(), new_secret())
    made.start()
    try:
        yield made
    finally:
        made.stop()
