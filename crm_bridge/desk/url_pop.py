"""The address a call opens in another system: the configured template, filled in safely."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from crm_bridge.desk.pop import CallView

_FIELD: Final = re.compile(r"\{([^{}]*)\}")


def address(template: str, view: CallView) -> str:
    """The address for this call; what is not known, or withheld, is empty.

    Every value is percent-encoded whole, so that a caller's name can neither leave its place nor
    name another host; `DeskSection` has seen to the template itself.
    """
    values = {
        "e164": view.e164,
        "number": None if view.withheld else view.presented,
        "name": None if view.withheld else view.name,
        "call_id": view.call_id,
        "agent": view.agent,
        "queue": view.queue,
        "service": view.service,
        "language": view.language,
    }

    def encoded(found: re.Match[str]) -> str:
        return quote(values[found[1]] or "", safe="", errors="replace")

    return _FIELD.sub(encoded, template)
