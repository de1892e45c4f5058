"""What is wrong with the telephone systems and the bridge, by what it is wrong with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from crm_bridge.alerts.rules import Words
from crm_bridge.records.commit_loop import CommitLoop
from ivr.ami.reconnect import LinkState

BRIDGE: Final = "bridge"


def troubles(links: Iterable[tuple[str, LinkState]], loop: CommitLoop) -> Mapping[str, Words]:
    """Each telephone system that is not heard, and the bridge where it saves nothing."""
    found: dict[str, Words] = {
        name: (
            f"ไม่ได้เชื่อมต่อกับระบบโทรศัพท์ {name}: ไม่เห็นสายที่เข้ามาขณะนี้",
            f"Telephone system {name} is not connected: calls are not seen now",
        )
        for name, state in links
        if state is not LinkState.UP
    }
    if loop.counters.last_error is not None:
        found[BRIDGE] = (
            "บันทึกข้อมูลสายลงฐานข้อมูลไม่ได้",
            "Records of calls are not being saved",
        )
    elif loop.full:
        found[BRIDGE] = (
            "ข้อมูลสายรอบันทึกมากเกินกว่าที่ฐานข้อมูลรับทัน",
            "More waits to be saved than the database takes",
        )
    return found
