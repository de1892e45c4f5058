"""What the queues must say of an agent, and which change made elsewhere the desk takes over."""

from __future__ import annotations

import pytest

from crm_bridge.desk.agent_states import (
    Adopted,
    Orders,
    Sitting,
    State,
    Wish,
    adopted,
    orders,
    wish,
)
from ivr.calls.members import Member

SINCE = 1_000_000


def sitting(state: State = State.READY, reason: str | None = None) -> Sitting:
    return Sitting("s", "a", "1001", ("complaint", "information"), 0, "t", state, SINCE,
                   reason=reason)  # fmt: skip


def member(queue: str, paused: bool = False, reason: str = "", at: int = 0) -> Member:
    return Member(queue, "PJSIP/1001", "1001", None, paused, reason, True, at)


BOTH = [member("complaint"), member("information")]


@pytest.mark.parametrize(
    ("state", "reason", "in_call", "wanted"),
    [
        (State.READY, None, False, Wish(False)),
        (State.READY, None, True, Wish(True, "wrapup")),
        (State.WRAPUP, None, False, Wish(True, "wrapup")),
        (State.PAUSED, "lunch", False, Wish(True, "lunch")),
        (State.PAUSED, "lunch", True, Wish(True, "lunch")),
    ],
)
def test_the_wish(state: State, reason: str | None, in_call: bool, wanted: Wish) -> None:
    assert wish(sitting(state, reason), in_call) == wanted


def test_orders_are_what_is_missing_or_wrong_and_nothing_else() -> None:
    assert not orders(sitting(), False, BOTH)
    assert orders(sitting(), False, BOTH[:1]) == Orders(("information",))
    assert orders(sitting(), True, BOTH).pause == Wish(True, "wrapup")
    lunch = sitting(State.PAUSED, "lunch")
    assert orders(lunch, False, [member(q, True, "lunch") for q in lunch.queues]) == Orders()
    assert orders(lunch, False, [member(q, True, "other") for q in lunch.queues]).pause == Wish(
        True, "lunch"
    )


def newer(queue: str, paused: bool, reason: str = "") -> Member:
    return member(queue, paused, reason, SINCE + 1)


@pytest.mark.parametrize(
    ("now", "members", "found"),
    [
        (sitting(), BOTH, None),
        (sitting(), [newer("complaint", True, "lunch")], Adopted(State.PAUSED, "lunch")),
        (sitting(), [newer("complaint", True, "?")], Adopted(State.PAUSED, "elsewhere")),
        (sitting(), [newer("complaint", True, "wrapup")], None),
        (sitting(), [newer("another", True, "lunch")], None),
        (sitting(), [member("complaint", True, "lunch", SINCE)], None),
        (sitting(State.PAUSED, "lunch"), [newer("complaint", False)], Adopted(State.READY)),
        (sitting(State.WRAPUP), [newer("complaint", False)], Adopted(State.READY)),
        (sitting(State.PAUSED, "lunch"), [newer("complaint", True, "lunch")], None),
    ],
)
def test_a_change_elsewhere_is_taken_over_where_it_is_newer(
    now: Sitting, members: list[Member], found: Adopted | None
) -> None:
    got = adopted(now, False, members, {}, ("lunch",))
    assert (got.state, got.reason) == (found.state, found.reason) if got and found else got is found


def test_in_a_call_an_unpause_elsewhere_is_overruled() -> None:
    assert adopted(sitting(), True, [newer("complaint", False)], {}, ()) is None


def test_out_of_one_queue_and_out_of_all() -> None:
    got = adopted(sitting(), False, BOTH[1:], {"complaint": SINCE + 5}, ())
    assert got == Adopted(State.READY, None, SINCE + 5, ("information",))
    gone = {"complaint": SINCE + 5, "information": SINCE + 6}
    assert adopted(sitting(), False, [], gone, ()) == Adopted(None, at=SINCE + 6)
    assert adopted(sitting(), False, [], {"complaint": SINCE - 5}, ()) is None
