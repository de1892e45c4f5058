"""The dialplan and ivr/events/markers.py speak one vocabulary."""

from __future__ import annotations

import re

import pytest

from ivr.events.markers import DECLARED, MARKS, USER_EVENT
from ivr.lab.install import dialplan_directory
from tests.support.dialplan import without_comment

FILES = sorted(dialplan_directory().glob("*.conf"))
EMITTED = re.compile(r"Gosub\(mark,s,1\(([^,)]*),(.*)\)\)")


def lines() -> list[tuple[str, str]]:
    return [
        (path.name, without_comment(line))
        for path in FILES
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_every_mark_is_emitted_and_no_other():
    emitted = {found[1] for _, line in lines() if (found := EMITTED.search(line))}
    assert emitted == set(MARKS)


def test_no_act_of_the_desk_bears_the_name_of_a_mark():
    assert not set(DECLARED) & set(MARKS)


def test_every_call_of_mark_is_understood_by_this_test():
    for name, line in lines():
        assert line.count("Gosub(mark,") == len(EMITTED.findall(line)), (name, line)


def test_a_user_event_is_sent_by_mark_conf_alone():
    senders = [(name, line) for name, line in lines() if "UserEvent(" in line]
    assert [name for name, _ in senders] == ["mark.conf", "mark.conf"]
    assert f",UserEvent({USER_EVENT},Mark: ${{ARG1}},Value: ${{ARG2}})" in senders[0][1]
    # and the same into CEL, as `ivr.books` reads it
    assert f",CELGenUserEvent({USER_EVENT},${{ARG1}}:${{ARG2}})" in senders[1][1]


def test_a_mark_without_a_documented_value_has_none():
    for name, line in lines():
        if found := EMITTED.search(line):
            assert ("value:" in MARKS[found[1]]) == bool(found[2]), (name, line)


@pytest.mark.parametrize("source", ["CALLERID", "CONNECTEDLINE", "PJSIP_HEADER", "SIPDOMAIN"])
def test_no_text_of_a_callers_own_is_in_a_mark_or_a_file_name(source):
    for name, line in lines():
        if name != "cel_custom.conf" and ("Gosub(mark" in line or "MixMonitor(" in line):
            assert source not in line, (name, line)
