"""What is said of a wait, in the order in which it is said."""

from __future__ import annotations

import pytest

from ivr.selfservice import door, saying
from ivr.selfservice.port import Expect, Wait


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize(
    ("wait", "said", "text"),
    [
        (Wait(Expect.AT_ONCE), [], "now"),
        (Wait(Expect.UNKNOWN), ["hotline/wait-unknown"], "unknown"),
        (Wait(Expect.NOBODY), ["hotline/wait-nobody"], "nobody"),
        (Wait(Expect.BAND, 0, 1), ["hotline/wait-under", 1, "hotline/wait-minute"], "0-1"),
        (Wait(Expect.BAND, 0, 5), ["hotline/wait-under", 5, "hotline/wait-minutes"], "0-5"),
        (
            Wait(Expect.BAND, 1, 3),
            ["hotline/wait-about", 1, "hotline/wait-to", 3, "hotline/wait-minutes"], "1-3",
        ),
        (Wait(Expect.BAND, 10), ["hotline/wait-over", 10, "hotline/wait-minutes"], "10-"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_wait_in_words(wait, said, text, language):
    sounds = [one for s in said
              for one in (saying.number(s, language) if isinstance(s, int) else [s])]  # fmt: skip
    assert list(door.sentence(wait, language)) == sounds
    assert wait.text == text
