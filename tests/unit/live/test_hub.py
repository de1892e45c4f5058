"""The hub: in order, once, to whoever listens; who comes back gets what was missed."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.live import hub as hub_module
from crm_bridge.live.hub import Hub, Listener


async def _drain(listener: Listener) -> list[object]:
    found = []
    while (happening := await listener.next(0)) is not None:
        found.append(happening.data["n"])
    return found


async def test_only_those_who_listen_to_the_topic_are_told():
    hub = Hub()
    one, two = hub.listen(["agent:1001"]), hub.listen(["agent:1002"])
    hub.publish("agent:1001", "pop", {"n": 1})
    assert await _drain(one) == [1]
    assert await _drain(two) == []


async def test_a_first_visit_takes_the_state_afresh():
    assert Hub().listen(["agent:1001"]).resync


async def test_who_comes_back_gets_what_was_missed_in_order_over_all_topics():
    hub = Hub()
    hub.publish("a", "x", {"n": 1})
    last = hub.last_id
    for n in range(2, 6):
        hub.publish("ab"[n % 2], "x", {"n": n})
    hub.publish("other", "x", {"n": 99})
    back = hub.listen(["a", "b"], last)
    assert not back.resync
    assert await _drain(back) == [2, 3, 4, 5]


async def test_an_id_of_another_process_or_none_of_ours_is_a_fresh_start():
    hub = Hub()
    hub.publish("a", "x", {"n": 1})
    for strange in (Hub().last_id, "", "x", f"{hub.last_id}9", "-1", f"{hub.last_id}٣"):
        assert hub.listen(["a"], strange).resync, strange


async def test_what_is_no_longer_kept_is_not_passed_over_in_silence():
    hub = Hub()
    hub.publish("a", "x", {"n": 0})
    last = hub.last_id
    for n in range(hub_module.KEPT):
        hub.publish("a", "x", {"n": n})
    assert not hub.listen(["a"], last).resync
    hub.publish("a", "x", {"n": -1})
    back = hub.listen(["a"], last)
    assert back.resync
    assert await _drain(back) == []


async def test_a_listener_that_does_not_keep_up_is_ended_and_harms_nobody():
    hub = Hub()
    slow, quick = hub.listen(["a"]), hub.listen(["a"])
    for n in range(hub_module.WAITING + 1):
        hub.publish("a", "x", {"n": n})
        assert await quick.next(0) is not None
    assert slow.lagged
    assert len(await _drain(slow)) == hub_module.WAITING
    assert slow.closed
    assert not quick.closed


async def test_a_waiting_listener_wakes_when_something_happens_and_when_it_is_closed():
    hub = Hub()
    listener = hub.listen(["a"])
    waiting = asyncio.create_task(listener.next())
    await asyncio.sleep(0)
    hub.publish("a", "x", {"n": 1})
    happening = await asyncio.wait_for(waiting, 5)
    assert happening is not None
    assert happening.id == hub.last_id
    waiting = asyncio.create_task(listener.next())
    await asyncio.sleep(0)
    listener.close()
    assert await asyncio.wait_for(waiting, 5) is None


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(0, 60))
async def test_cut_anywhere_nothing_is_lost_or_doubled(topics: list[str], cut: int):
    hub = Hub()
    first = hub.listen("ab")
    seen = []
    last = hub.last_id
    for n, topic in enumerate(topics):
        if n == cut:
            while (happening := await first.next(0)) is not None:
                seen.append(happening.data["n"])
                last = happening.id
            first.close()
        hub.publish(topic, "x", {"n": n})
    if cut >= len(topics):
        seen += await _drain(first)
    else:
        seen += await _drain(hub.listen("ab", last))
    assert seen == [n for n, topic in enumerate(topics) if topic in "ab"]


async def test_a_newer_event_of_a_key_takes_the_place_of_the_one_that_waits_or_is_kept():
    hub = Hub()
    first = hub.listen(["a"])
    last = hub.last_id
    hub.publish("a", "call", {"n": "ringing"}, key="c1")
    hub.publish("a", "card", {"n": "card"}, key="c1")
    hub.publish("a", "call", {"n": "gone"}, key="c1")
    hub.publish("a", "call", {"n": "another"}, key="c2")
    assert await _drain(first) == ["card", "gone", "another"]
    assert await _drain(hub.listen(["a"], last)) == ["card", "gone", "another"]


async def test_a_key_that_changes_for_ever_takes_no_room_and_loses_nobody():
    hub = Hub()
    slow = hub.listen(["a"])
    last = hub.last_id
    for n in range(10 * hub_module.WAITING):
        hub.publish("a", "call", {"n": n}, key="c1")
    assert not slow.lagged
    assert await _drain(slow) == [10 * hub_module.WAITING - 1]
    assert not hub.listen(["a"], last).resync


async def test_a_closed_hub_ends_who_listens_and_who_comes():
    hub = Hub()
    listener = hub.listen(["a"])
    waiting = asyncio.create_task(listener.next())
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(waiting, 5) is None
    assert listener.closed
    assert hub.listen(["a"]).closed
    assert hub.audience == 0


async def test_the_audience_is_told_and_counted():
    hub = Hub()
    told: list[int] = []
    hub.on_audience = told.append
    one, two = hub.listen(["a"]), hub.listen(["a", "b"])
    assert hub.heard("b")
    one.close()
    one.close()
    two.close()
    assert told == [1, 2, 1, 0]
    assert not hub.heard("b")


async def test_topics_nobody_listens_to_are_forgotten_whole_but_not_in_silence(monkeypatch):
    monkeypatch.setattr(hub_module, "TOPICS", 4)
    hub = Hub()
    last = hub.last_id
    hub.publish("old", "x", {"n": 1})
    listener = hub.listen(["kept"])
    for n in range(6):
        hub.publish(f"t{n}", "x", {"n": n})
    assert hub.listen(["old"], last).resync
    assert not hub.listen(["kept"], last).resync
    hub.publish("kept", "x", {"n": 7})
    assert await _drain(listener) == [7]


async def test_who_listens_beside_is_told_and_is_no_audience():
    hub, told = Hub(), []
    hub.on_audience = told.append
    beside = hub.listen(["alerts"], beside=True)
    one = hub.listen(["alerts"])
    hub.publish("alerts", "alert", {"n": 1})
    assert await _drain(beside) == await _drain(one) == [1]
    assert hub.audience == 1
    one.close()
    beside.close()
    assert told == [0, 1, 0, 0]
