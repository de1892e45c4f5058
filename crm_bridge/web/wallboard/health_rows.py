"""The health of line and bridge as rows of the wall."""

from __future__ import annotations

from typing import Final

from crm_bridge.clock import micros
from crm_bridge.desk.wall_rows import Row, Words, millis
from crm_bridge.web.health import Health

LINKS: Final[dict[str, Words]] = {
    "up": ("เชื่อมต่ออยู่", "connected"),
    "snapshot": ("กำลังอ่านสถานะสาย", "reading the line's state"),
    "connecting": ("กำลังเชื่อมต่อ", "connecting"),
    "waiting": ("ขาดการเชื่อมต่อ", "not connected"),
    "stopped": ("หยุดทำงาน", "stopped"),
}
"""How a node's link is, in words."""


def node_rows(health: Health) -> dict[str, Row]:
    """One row for each Asterisk: whether it is heard, and when it last said anything."""
    return {
        node.name: {
            "name": node.name,
            "up": node.link == "up",
            "word": LINKS.get(node.link, (node.link, node.link)),
            "last": millis(micros(node.last_event_at)) if node.last_event_at else None,
        }
        for node in health.nodes
    }


def health_rows(health: Health, gaps: int) -> Row:
    """What is saved, and what was missed since the bridge was started.

    `gaps`: calls in progress of which something was not heard.
    """
    saving = health.committing and not health.commit_error and not health.full
    failing = health.commit_failing_since
    return {
        "saving": saving,
        "failing": millis(micros(failing)) if failing and not saving else None,
        "refused": health.refused,
        "cuts": sum(max(0, node.connects - 1) for node in health.nodes),
        "overflows": sum(node.overflows for node in health.nodes),
        "failed": sum(node.failed_events for node in health.nodes),
        "gaps": gaps,
        "started": millis(micros(health.started_at)),
    }
