"""[door]: how callers are received at queues."""

from __future__ import annotations

from pydantic import Field

from crm_bridge.config_outside import Section


class DoorSection(Section):
    """[door]: asked for before a queue where the site of the dialplan has `door`."""

    vulnerable: int = Field(
        10, ge=1, le=10, description="priority of callers who are vulnerable; the higher goes first"
    )
    vip: int = Field(5, ge=1, le=10, description="priority of VIPs")
    known_seconds: int = Field(
        15,
        ge=0,
        le=60,
        description="so long the officer who knows him is rung first; 0: not",
    )
    known_days: int = Field(
        14, ge=0, le=30, description="who spoke with the caller so many days ago still knows him"
    )
