"""The AMI actions the bridge sends, safe against forged headers.

An action goes over the wire as lines; a CR or LF in a value would add a header or a whole second
action (panoramisk writes it as it is). Every action is therefore built, and checked, here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ivr.ami.errors import UnsafeAction
from ivr.ami.framing import Keep

Action = dict[str, str]
"""Header → value, `Action` and `ActionID` among them."""

MAX_LINE: Final = 1000
"""Bytes of one header line; Asterisk refuses the action at 1024 (`line too long`)."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_FORGING: Final = re.compile(r"[\r\n\0]")
_NAME_END: Final = "[^A-Za-z0-9_]"
_NOISE: Final = ("VarSet", "TestEvent", "RTCPSent", "RTCPReceived", "DeviceStateChange")
_EVENT_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
_PRINTABLE: Final = re.compile(rb"[ -~]+\Z")
_REGEX_SPECIAL: Final = re.compile(r"([][.*+?(){}^$|\\])")


def check(action: Mapping[str, object]) -> None:
    """Raise UnsafeAction where a name or value would forge headers or not fit a line."""
    for name, value in action.items():
        if not _NAME.match(name):
            raise UnsafeAction(f"{name!r} is no name of an AMI header")
        for one in value if isinstance(value, list | tuple) else [value]:
            text = str(one)
            if _FORGING.search(text):
                raise UnsafeAction(
                    f"the value of {name} holds a line break or NUL, which would forge a header"
                )
            if len(name) + 2 + len(text.encode("utf-8", "surrogatepass")) > MAX_LINE:
                raise UnsafeAction(f"the value of {name} is longer than Asterisk takes")


def build(name: str, action_id: str, **headers: str) -> Action:
    """An action with its id and further headers. Raises UnsafeAction."""
    action = {"Action": name, "ActionID": action_id, **headers}
    check(action)
    return action


def login(action_id: str, username: str, secret: str) -> Action:
    """Log in with all events of the user's privileges on."""
    return build("Login", action_id, Username=username, Secret=secret, Events="on")


def logoff(action_id: str) -> Action:
    """End the session."""
    return build("Logoff", action_id)


def ping(action_id: str) -> Action:
    """Ask for a sign of life."""
    return build("Ping", action_id)


def mute_recording(action_id: str, channel: str, *, muted: bool) -> Action:
    """Record silence in place of what is spoken on a channel, or the voices again; call."""
    return build(
        "MixMonitorMute", action_id, Channel=channel, Direction="both", State=str(int(muted))
    )


def core_status(action_id: str) -> Action:
    """Ask when Asterisk was started; needs the privilege system or reporting."""
    return build("CoreStatus", action_id)


def core_settings(action_id: str) -> Action:
    """Ask for version and system name; needs the privilege system or reporting."""
    return build("CoreSettings", action_id)


def core_show_channels(action_id: str) -> Action:
    """Ask for every channel; needs the privilege system or reporting."""
    return build("CoreShowChannels", action_id)


def bridge_list(action_id: str) -> Action:
    """Ask for every bridge."""
    return build("BridgeList", action_id)


def bridge_info(action_id: str, bridge: str) -> Action:
    """Ask for the channels in one bridge."""
    return build("BridgeInfo", action_id, BridgeUniqueid=bridge)


def queue_status(action_id: str) -> Action:
    """Ask for every queue's members and waiting callers."""
    return build("QueueStatus", action_id)


def extension_states(action_id: str) -> Action:
    """Ask for the state of every hint; needs the privilege call or reporting."""
    return build("ExtensionStateList", action_id)


def queue_add(
    action_id: str, queue: str, interface: str, *, name: str, state: str, paused: str | None = None
) -> Action:
    """Put a member into a queue; `paused` is the reason where he begins paused. Needs agent."""
    headers = {"Queue": queue, "Interface": interface, "MemberName": name}
    if state:
        headers["StateInterface"] = state
    if paused is not None:
        headers |= {"Paused": "true", "Reason": paused}
    return build("QueueAdd", action_id, **headers)


def queue_remove(action_id: str, queue: str, interface: str) -> Action:
    """Take a member out of a queue. Needs agent."""
    return build("QueueRemove", action_id, Queue=queue, Interface=interface)


def queue_pause(
    action_id: str, interface: str, paused: bool, reason: str = "", queue: str | None = None
) -> Action:
    """Pause a member, or end it; in all his queues where none is named. Needs agent."""
    headers = {"Interface": interface, "Paused": "true" if paused else "false", "Reason": reason}
    if queue is not None:
        headers["Queue"] = queue
    return build("QueuePause", action_id, **headers)


def hangup(action_id: str, channel: str) -> Action:
    """End a channel, as its own party would. Needs call."""
    return build("Hangup", action_id, Channel=channel, Cause="16")


def blind_transfer(action_id: str, channel: str, exten: str, context: str) -> Action:
    """Send whoever this channel speaks with to an extension. Needs call."""
    return build("BlindTransfer", action_id, Channel=channel, Exten=exten, Context=context)


def redirect(action_id: str, channel: str, context: str, exten: str) -> Action:
    """Send a channel to an extension; no transfer event comes of it. Needs call."""
    return build("Redirect", action_id, Channel=channel, Context=context, Exten=exten, Priority="1")


def attended_transfer(action_id: str, channel: str, exten: str, context: str) -> Action:
    """Let this channel's party speak with an extension while the other side waits. Needs call.

    Asterisk presses the feature code and the number on the channel itself.
    """
    return build("Atxfer", action_id, Channel=channel, Exten=exten, Context=context)


def cancel_attended_transfer(action_id: str, channel: str) -> Action:
    """End a consultation begun by `attended_transfer`: back to the other side. Needs call."""
    return build("CancelAtxfer", action_id, Channel=channel)


def press(action_id: str, channel: str, digit: str) -> Action:
    """A key (0-9 * # A-D) as if the channel's own telephone had sent it. Needs call."""
    return build("PlayDTMF", action_id, Channel=channel, Digit=digit, Receive="true", Duration="60")


def originate(
    action_id: str,
    channel: str,
    context: str,
    exten: str,
    *,
    caller_id: str,
    milliseconds: int,
    variables: Mapping[str, str],
) -> Action:
    """Ring a channel and send it, once answered, to an extension; the response does not wait.

    A variable's value is the dialplan's to read: the caller of this checks what it may hold; a
    comma would begin another variable. Needs originate.
    """
    told = []
    for name, value in variables.items():
        if "," in value:
            raise UnsafeAction(f"the value of the variable {name} holds a comma")
        told.append(f"{name}={value}")
    return build(
        "Originate",
        action_id,
        Channel=channel,
        Context=context,
        Exten=exten,
        Priority="1",
        CallerID=caller_id,
        Timeout=str(milliseconds),
        Async="true",
        Variable=",".join(told),
    )


def get_variable(action_id: str, name: str) -> Action:
    """Ask for a global variable; needs the privilege call or reporting."""
    return build("Getvar", action_id, Variable=name)


def command(action_id: str, line: str) -> Action:
    """Run one line of Asterisk's CLI; needs the privilege command."""
    return build("Command", action_id, Command=line)


def add_filter(action_id: str, regex: str) -> Action:
    """Let only events that match this or an earlier filter through; needs the privilege system."""
    return build("Filter", action_id, Operation="Add", Filter=regex)


def event_filter(keep: Keep) -> str:
    """One regular expression that lets through all that `keep` wants, and little else.

    Extended POSIX, matched by Asterisk against the whole event; the form that both Asterisk 20
    and 22 take (22.10 refuses the action's newer `MatchCriteria`). It is one on purpose: filters
    add up, and until the last of several were set, needed events would be lost. Anchored at the
    start, so that an unneeded event costs Asterisk a few compared bytes. Where it would not fit
    a line, it excludes (`!`) the events that make up most of an Asterisk's stream instead.
    """
    plain = []
    narrowed = []
    for name, needles in keep.items():
        if not _EVENT_NAME.match(name):
            raise ValueError(f"{name!r} is no name of an AMI event")
        stripped = [needle.strip(b"\r\n") for needle in needles]
        if needles and all(_PRINTABLE.match(needle) for needle in stripped):
            told = "|".join(_REGEX_SPECIAL.sub(r"\\\1", n.decode()) for n in stripped)
            narrowed.append(f"{name.decode()}{_NAME_END}.*({told})")
        else:
            plain.append(name.decode())
    names = [f"({'|'.join(plain)}){_NAME_END}"] if plain else []
    everything = [name.decode() for name in keep]
    for regex in (
        f"^Event: ({'|'.join([*names, *narrowed])})",
        f"^Event: ({'|'.join(everything)}){_NAME_END}",
    ):
        if len(regex) < MAX_LINE - 50:
            return regex
    noise = "|".join(name for name in _NOISE if name.encode() not in keep)
    return f"!^Event: ({noise}){_NAME_END}"
