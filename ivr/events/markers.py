"""The service-step vocabulary: the markers that `dialplan/` emits, and the acts the desk declares.

A marker is a UserEvent named `Hotline1203` with two headers of ours, `Mark` (a name below) and
`Value`; Asterisk adds the channel. The dialplan emits all of them through one subroutine
(`dialplan/mark.conf`), and `tests/unit/test_markers.py` holds that file to this one.
An act of the desk is what the telephone does not show: a mark on the same record, brought to it by
a message of our own (`ivr.ami.message.declaration`).
"""

from __future__ import annotations

from typing import Final

USER_EVENT: Final = "Hotline1203"

MARKS: Final[dict[str, str]] = {
    "enter": "the caller is on the line and it is answered; value: the dialled number",
    "language": "the caller speaks this language from here on; value: th or en",
    "announcement": "the emergency message begins; value: PLACE:ID (before, instead)",
    "announced": "the emergency message has been played to its end; value: PLACE:ID",
    "notice": "the recording notice has been played to its end",
    "menu": "a menu begins to speak; value: the menu's name",
    "key": "a key was pressed in a menu; value: MENU:KEY",
    "wrong_key": "a key the menu does not know; value: MENU:KEY",
    "no_key": "the menu waited in vain; value: the menu's name",
    "service": "the service asked for is known; value: its name",
    "recording": "the conversation with the officer who answers next is recorded",
    "greeting_start": "the officer has answered and the greeting begins",
    "greeting_end": "the greeting is over and the officer has the caller",
    "agency": "the directory rings an agency; value: its id",
    "agency_failed": "the agency was not reached; value: AGENCY:DIALSTATUS",
    "returned": "the caller goes back to the officer who transferred; value: the officer's id",
    "requeued": "the caller goes back into a queue after a failed transfer; value: the queue",
    "queue_timeout": "the queue gave up; value: the queue",
    "guide": "the marketing information guide was read to its end",
    "closed": "the office is closed and the caller is told so; value: why",
    "door": "at a queue the bridge did not say how to receive the caller; value: silent or failed",
    "known": "the officer who knows the caller is rung first; value: OFFICER:QUEUE:WHY",
    "known_over": "that officer did not answer; value: OFFICER:DIALSTATUS",
    "priority": "the caller has a priority in the queue; value: PRIORITY:KIND:RULE",
    "refused": "the caller is turned away at the queue by a rule; value: KIND:RULE",
    "wait": "what a caller is told of his wait; value: minutes (1-3, 10-), now, unknown, nobody",
    "self_begin": "self-service begins with the caller; value: its name",
    "self_end": "how self-service came out; value: NAME:HOW (told, asked, kept, failed, …)",
    "survey_begin": "the caller is asked how it was; value: the queue",
    "survey_rating": "how it was; value: 1 (bad) to 5 (good)",
    "survey_settled": "whether the caller's matter is settled; value: yes or no",
    "survey_end": "how the survey came out; value: answered, skipped, no_key, wrong_keys or left",
    "callback": "an officer calls a lost caller back; value: the lost call's id, or empty",
    "callback_end": "how the ringing of a caller who kept his place came out; value: DIALSTATUS",
    "supervise": "a supervisor goes to an officer's call; value: WAY:SUPERVISOR:UNIQUEID",
}
"""Marker name → what it says and what its value is."""

DECLARED: Final[dict[str, str]] = {
    "form_opened": "the complaint form is open before the officer; value: empty",
    "informed": "the officer has given the information; value: empty",
    "enquire_begin": "the officer asks an agency by other means; value: the agency's id, or empty",
    "enquire_end": "the officer has the agency's answer; value: empty",
    "logged": "the officer has saved the record of the call; value: empty",
    "recording_paused": "the recording is paused for what must not be recorded; value: empty",
    "recording_resumed": "the conversation is recorded again; value: empty",
    "taken_over": "a supervisor takes the caller over; value: the officer who had the caller",
}
"""Declared mark → what its officer says by it and what its value is."""

SUPERVISION_BEGIN: Final = "supervision_begin"
SUPERVISION_END: Final = "supervision_end"

OBSERVED: Final[dict[str, str]] = {
    SUPERVISION_BEGIN: "a supervisor is at the call from here on; value: WAY:OFFICER",
    SUPERVISION_END: "the supervisor is no longer there; value: WAY:OFFICER",
}
"""Mark that the tracker makes of Asterisk's own events → what it says and what its value is."""
