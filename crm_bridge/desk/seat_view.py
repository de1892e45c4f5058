"""An officer's seat as the API and the screens' stream tell it."""

from __future__ import annotations

from typing import Any

from crm_bridge.clock import iso
from crm_bridge.desk.agent_states import ELSEWHERE, Seat
from crm_bridge.desk.sittings import Reason


def seat_view(seat: Seat, reason: Reason | None) -> dict[str, Any]:
    """A seat as the API and the screens' stream tell it."""
    sitting = seat.sitting
    told: dict[str, Any] = {
        "extension": seat.extension,
        "state": seat.state,
        "known": seat.known,
        "presence": seat.presence.value,
        "in_call": seat.in_call,
        "queues": list(seat.queues),
        "paused_in": list(seat.paused_in),
        "account_id": None, "name_th": None, "name_en": None, "wished": None, "since": None,
        "signed_in_at": None, "reason": None, "reason_th": None, "reason_en": None,
        "call_id": None, "source": None, "by_th": None, "by_en": None,
    }  # fmt: skip
    if sitting is None:
        return told
    elsewhere = sitting.reason == ELSEWHERE
    return told | {
        "account_id": sitting.account_id,
        "name_th": sitting.name_th,
        "name_en": sitting.name_en,
        "wished": sitting.state.value,
        "since": iso(sitting.since),
        "signed_in_at": iso(sitting.signed_in_at),
        "reason": sitting.reason,
        "reason_th": reason.name_th if reason else "พักจากระบบโทรศัพท์" if elsewhere else None,
        "reason_en": reason.name_en if reason else "Paused at the line" if elsewhere else None,
        "call_id": sitting.call_id,
        "source": sitting.source.value,
        "by_th": sitting.by.name_th if sitting.by is not None else None,
        "by_en": sitting.by.name_en if sitting.by is not None else None,
    }
