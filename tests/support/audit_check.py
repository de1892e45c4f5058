"""The check of an exported audit log that docs/audit.md prints, run by the tests from there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


def broken_at(lines: Sequence[str]) -> int | None:
    """The first row that does not verify, by the code on the page; `None`: all do."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(code.splitlines()) <= 20
    assert "crm_bridge" not in code
    known: dict[str, Any] = {"__name__": "checked"}
    exec(compile(code, str(PAGE), "exec"), known)
    found = known["broken_at"](lines)
    assert found is None or isinstance(found, int)
    return found
