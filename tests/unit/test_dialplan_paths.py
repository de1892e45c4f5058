"""What leads where in the dialplan, without an Asterisk."""

from __future__ import annotations

import re

import pytest

from ivr.lab.install import dialplan_directory
from ivr.prompts.catalogue import read_prompts
from tests.support import dialplan

DESK = {"desk-ring", "desk-rung"}
"""Where the bridge's order rings an officer's own telephone, and where that goes on."""
CALLERS = ("from-trunk", "transfer", "from-agency", "agents")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return dialplan.rendered(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def contexts(config):
    return dialplan.read(config)


def test_every_target_exists(contexts):
    for context in contexts.values():
        for step in context.steps:
            for name, extension, priority in dialplan.targets(context.name, step):
                where = f"{step.where}: {name},{extension},{priority}"
                assert name in contexts, where
                if "${" in extension:
                    continue
                there = [
                    other
                    for other in contexts[name].steps
                    if extension == other.extension
                    or dialplan.pattern(other.extension).match(extension)
                ]
                assert there, where
                assert priority == "1" or priority in {other.label for other in there}, where


def test_every_include_exists(contexts):
    for context in contexts.values():
        for name in context.includes:
            assert name in contexts or name == "parkedcalls", (context.name, name)


def test_every_context_is_used(contexts, config):
    others = "".join(
        path.read_text(encoding="utf-8")
        for path in config.glob("*.conf")
        if path.name not in {file.name for file in dialplan.files(config)}
    )
    used = {name for context in contexts.values() for name in context.includes}
    for context in contexts.values():
        for step in context.steps:
            used |= {place[0] for place in dialplan.targets(context.name, step)}
    # the bridge's, by Originate: control, supervision, announcements, calling_back of the desk
    used |= {"desk-ring", "desk-announcement", "kept-place", "kept-called"}
    used.add("self-sound")  # the bridge's, over FastAGI: ivr/selfservice/session.py
    used.add("queue-keys")  # the queues', where the site has `callback`
    used.add("1203-text")  # by a site's own menus
    for name in set(contexts) - used:
        assert re.search(rf"[=@ \"]{re.escape(name)}\b", others), f"{name} is used by nobody"


@pytest.mark.parametrize("start", CALLERS)
def test_no_path_to_the_trunk(contexts, start):
    for name in dialplan.reachable(contexts, start):
        for step in contexts[name].steps:
            assert "@trunk" not in step.arguments, step.where


@pytest.mark.parametrize(
    ("door", "room"), [("desk-callback", "called-back"), ("kept-called", "kept-party")]
)
def test_calls_back_are_the_desks_ways_to_the_trunk(contexts, door, room):
    """Nobody's telephone and no transfer leads there; it takes national numbers and no other."""
    assert room in dialplan.reachable(contexts, door)
    ordered = DESK if door == "desk-callback" else set()
    for name in set(contexts) - {door, room} - ordered:
        assert room not in dialplan.reachable(contexts, name), name
    for number in ("025074444", "0812345678"):
        assert _taken(contexts[door], number)
    for number in (
        "1203",
        "1001",
        "2001",
        "191",
        "1900111222",
        "00668123456",
        "0012345678",
        "08123456789",
        "+66812345678",
    ):
        assert not _taken(contexts[door], number)


def test_the_desks_ring_is_led_to_by_nothing(contexts):
    """Order by Originate alone; the telephone that answers runs the desk's ways and no others."""
    for name in set(contexts) - DESK:
        assert not DESK & dialplan.reachable(contexts, name), name
    (rings,) = [s for s in contexts["desk-ring"].steps if s.application == "Dial"]
    assert rings.arguments == "${AGENT_${EXTEN}},,iG(desk-rung^${HOTLINE_TO}^1)"
    goes_on = [s for s in contexts["desk-rung"].steps if s.application == "Goto"]
    assert len(goes_on) == len(contexts["desk-rung"].extensions)
    places = {p[0] for s in goes_on for p in dialplan.targets("desk-rung", s)}
    assert places == {"desk-callback", "desk-supervise"}


def test_a_kept_place_is_stood_by_the_bridge_alone_and_leads_to_no_trunk(contexts):
    for name in set(contexts) - {"kept-place", "place-kept"}:
        assert "place-kept" not in dialplan.reachable(contexts, name), name
    for name in dialplan.reachable(contexts, "kept-place"):
        assert not [s for s in contexts[name].steps if "@trunk" in s.arguments], name


def _taken(context, number):
    return any(dialplan.pattern(one).fullmatch(number) for one in context.extensions)


def test_the_trunk_is_reached_with_the_permission_only(contexts, config):
    assert "outbound" in dialplan.reachable(contexts, "agents-outbound")
    telephones = (config / "pjsip-agents.conf").read_text()
    assert telephones.count("context = agents-outbound\n") == 1
    assert telephones.count("context = agents-outbound-recording\n") == 1
    assert "set_var = TRANSFER_CONTEXT=transfer" in (config / "pjsip.conf").read_text()


def test_the_entry_has_the_hotlines_numbers_and_nothing_else(contexts):
    entry = contexts["from-trunk"]
    assert entry.extensions == {"1203", "021203", "+6621203"}
    assert entry.includes == []


def test_no_feature_is_the_callers(contexts):
    """T, K, X, W and H give a feature to the party that called; in a call back, the officer."""
    for context in contexts.values():
        if context.name == "called-back":
            continue
        for step in context.steps:
            if step.application in ("Dial", "Queue"):
                arguments = dialplan.split(step.arguments)
                options = arguments[1 if step.application == "Queue" else 2 :][:1]
                plain = re.sub(r"\([^)]*\)+", "", options[0] if options else "")
                assert not set(plain) & set("TKXWH"), step.where


def test_no_telephone_forwards(contexts):
    """A 302's user part may name any channel, `PJSIP/NUMBER@trunk` too; `i` takes no notice."""
    rung = [
        step
        for context in contexts.values()
        for step in context.steps
        if step.application in ("Dial", "Queue")
    ]
    assert len(rung) > 10
    for step in rung:
        arguments = dialplan.split(step.arguments)
        options = arguments[1 if step.application == "Queue" else 2 :][:1] or [""]
        assert "i" in re.sub(r"\([^)]*\)+", "", options[0]), step.where


def test_no_program(contexts):
    for context in contexts.values():
        for step in context.steps:
            assert step.application not in {"System", "TrySystem", "Originate", "DISA"}
            assert "SHELL(" not in step.arguments


def test_agi_goes_to_the_bridge_and_never_to_a_program(contexts):
    for context in contexts.values():
        for step in context.steps:
            if "AGI" in step.application:
                scripts = {"1203-status": "status", "prompt-recording": "keep-prompt"}
                scripts |= {"1203-hours": "hours", "1203-callback": "callback", "door": "door"}
                scripts["1203-text"] = "guide-text"
                script = scripts[context.name]
                assert step.application == "AGI", step.where
                assert dialplan.split(step.arguments)[0] == f"agi://${{SELFSERVICE}}/{script}"


def test_spying_is_the_desks_alone_and_on_one_named_channel(contexts):
    """No telephone, caller or transfer leads there; never by a prefix, never with keys."""
    for context in contexts.values():
        for step in context.steps:
            if "Spy" in step.application or "Spy" in step.arguments:
                assert (context.name, step.application) == ("desk-supervise", "ChanSpy"), step.where
                channel, options = dialplan.split(step.arguments)
                assert channel == "${HOTLINE_SPIED}"
                assert set("uqES") <= set(options) <= set("uqESwB"), step.where
        if context.name not in {"desk-supervise", *DESK}:
            assert "desk-supervise" not in dialplan.reachable(contexts, context.name)
    supervise = contexts["desk-supervise"]
    assert supervise.extensions == {"listen", "whisper", "barge"}
    assert supervise.includes == []
    assert dialplan.reachable(contexts, "desk-supervise") == {"desk-supervise", "mark"}


def test_the_emergency_message_is_changed_by_the_bridge_alone(contexts):
    for name, context in contexts.items():
        if name != "desk-announcement":
            assert "desk-announcement" not in dialplan.reachable(contexts, name), name
            written = {s.arguments for s in context.steps if s.arguments.startswith("DB(")}
            assert written <= {
                "DB(called-back-${ARG1}/${ARG2})=${EPOCH}",
                "DB(survey-${SURVEY_DAY}/${UNIQUEID})=${SURVEY_NOTE}",
            }
    assert dialplan.reachable(contexts, "desk-announcement") == {"desk-announcement"}


def test_a_prompt_is_recorded_with_the_permission_only(contexts, config):
    """Neither a caller, nor a transfer, nor a telephone without it comes there."""
    with_it = {"agents-recording", "agents-outbound-recording", "prompt-codes"}
    for name in set(contexts) - with_it - {"prompt-recording"}:
        assert "prompt-recording" not in dialplan.reachable(contexts, name), name
    assert contexts["prompt-recording"].includes == []
    assert dialplan.reachable(contexts, "prompt-recording") == {
        "prompt-recording", "prompt-numbers",
    }  # fmt: skip
    for context in contexts.values():
        for step in context.steps:
            if step.application == "Record":
                assert context.name in {"prompt-recording", "1203-hours"}, step.where
    telephones = (config / "pjsip-agents.conf").read_text()
    assert telephones.count("context = agents-recording\n") == 1
    assert telephones.count("-recording\n") == 2


def test_whoever_is_handed_over_to_a_recording_is_put_out_before_anything_is_kept(contexts):
    for extension in ("record", "keep"):
        first = next(s for s in contexts["prompt-recording"].steps if s.extension == extension)
        assert (first.application, first.arguments) == (
            "GotoIf", '$["${HOTLINE_CALLER}" != ""]?over,1',
        )  # fmt: skip


def test_every_prompt_can_be_recorded_by_its_number_in_the_list(contexts):
    prompts = read_prompts(dialplan_directory())
    steps = {
        step.extension: step.arguments
        for step in contexts["prompt-numbers"].steps
        if step.application == "Set"
    }
    assert steps == {str(n): f"PROMPT={one.id}" for n, one in enumerate(prompts, 1)}


def test_only_known_applications_of_loaded_modules(contexts, config):
    loaded = (config / "modules.conf").read_text()
    module = {
        "Gosub": "app_stack", "Return": "app_stack", "UserEvent": "app_userevent",
        "CELGenUserEvent": "app_celgenuserevent",
        "Playback": "app_playback", "Dial": "app_dial", "Queue": "app_queue",
        "MixMonitor": "app_mixmonitor", "ConfBridge": "app_confbridge",
        "Pickup": "app_directed_pickup", "PickupChan": "app_directed_pickup",
        "StopMusicOnHold": "res_musiconhold", "TryExec": "app_exec", "ChanSpy": "app_chanspy",
        "AGI": "res_agi",
        "DBdeltree": "app_db", "Read": "app_read", "Record": "app_record",
    }  # fmt: skip
    core = {"Set", "Goto", "GotoIf", "Answer", "Hangup", "Background", "WaitExten"}
    for context in contexts.values():
        for step in context.steps:
            if step.application not in core:
                assert f"load = {module[step.application]}.so" in loaded, step.where


@pytest.mark.parametrize("menu", ["1203-menu", "1203-guide"])
def test_a_menu_answers_a_wrong_and_a_missing_key(contexts, menu):
    assert {"s", "i", "t", "*"} <= contexts[menu].extensions


def test_the_main_menu_has_its_keys(contexts):
    keys = {key for key in contexts["1203-menu"].extensions if re.fullmatch(r"[0-9*#]", key)}
    assert keys == set("1234509*#")


def test_the_queues_are_those_that_are_named(contexts, config):
    defined = set(re.findall(r"^\[(\w+)\]\(service\)", (config / "queues.conf").read_text(), re.M))
    assert defined == contexts["queues"].extensions
    for step in contexts["queues"].steps:
        assert step.arguments == f"queue-enter,s,1({step.extension})"
    assert contexts["queue-numbers"].extensions == {"6001", "6002", "6003", "6004"}
