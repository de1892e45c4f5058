"""Whether a call is recorded, from its marks in any order they may come in."""

from __future__ import annotations

import pytest

from crm_bridge.desk.recorded import Recorded, recording_of
from ivr.calls.call import Mark
from tests.support.desk_calls import served

ON, PAUSE, AGAIN = "recording", "recording_paused", "recording_resumed"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), None),
        ((PAUSE,), None),  # nothing to pause
        ((ON,), Recorded()),
        ((ON, PAUSE), Recorded(2, "1001")),
        ((ON, PAUSE, PAUSE), Recorded(2, "1001")),
        ((ON, PAUSE, AGAIN), Recorded()),
        ((ON, PAUSE, AGAIN, PAUSE), Recorded(4, "1001")),
    ],
)
def test_a_call_is_recorded_as_its_marks_tell(names, told):
    call = served(1, 0)
    call.marks = [Mark(name, at, by="1001") for at, name in enumerate(names, 1)]
    assert recording_of(call) == told
