"""What Asterisk really played, and in which language: from its own log, not from what was asked.

`file.c` (`res_agi.c` for self-service) writes one line for each sound it opens, with the channel,
the file, the format it came from and the language it was found in. The lab's full log has them
(`-vvv`, `full => …,verbose`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ivr.lab.asterisk import Lab
from tests.support.live import until

_PLAYING = re.compile(
    r"(?:file|res_agi)\.c: <(?P<channel>[^>]+)> Playing '(?P<name>[^']+)\.(?P<format>\w+)' "
    r"(?:\([^)]*\) )*\(language '(?P<language>[^']*)'\)"
)
CUSTOM = "custom/"
"""What Asterisk puts before the name of a sound that is the site's own recording."""


@dataclass(frozen=True, slots=True)
class Played:
    """One sound that was opened to be played."""

    channel: str
    sound: str
    """The name without format, as the dialplan says it."""
    language: str
    recorded: bool
    """Whether it is the site's own recording."""


def played(text: str, channel: str = "") -> list[Played]:
    """Every sound of a log's text, in order; of the channels whose name begins with `channel`."""
    found = []
    for match in _PLAYING.finditer(text):
        if match["channel"].startswith(channel):
            name = match["name"]
            found.append(
                Played(
                    match["channel"],
                    name.removeprefix(CUSTOM),
                    match["language"],
                    name.startswith(CUSTOM),
                )
            )
    return found


def now(lab: Lab) -> int:
    """A place in the log: give it to `heard` to leave out what came before (bytes)."""
    return lab.log.stat().st_size if lab.log.exists() else 0


async def heard(
    lab: Lab, channel: str, sounds: Sequence[str], *, since: int = 0, language: str = ""
) -> list[str]:
    """The sounds played on a channel, once there are as many as expected: the log lags a little.

    `channel` is the beginning of its name (`PJSIP/carrier-`). With `language`, every one of them
    must have been found in it. Compare the answer with `sounds`: their order is Asterisk's.
    """

    def so_far() -> list[Played]:
        with lab.log.open("rb") as log:
            log.seek(since)
            return played(log.read().decode("utf-8", "replace"), channel)

    await until(f"{len(sounds)} sounds on {channel}", lambda: len(so_far()) >= len(sounds))
    found = so_far()
    if language:
        assert {one.language for one in found} == {language}, found
    return [one.sound for one in found]
