"""What the doctor finds of one Asterisk; each finding with its mend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crm_bridge.commands.witness import Headers, Session, Unreachable
from crm_bridge.config import Config, NodeSection
from crm_bridge.outward import within_this_machine
from ivr.events.decode import needed


class Grade(StrEnum):
    """How a finding stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: where, what, how it stands, and the mend in words."""

    where: str
    check: str
    grade: Grade
    told: str
    mend: str = ""


MUST: Final = {
    "Ping": "watch the link",
    "CoreStatus": "tell one boot of Asterisk from the next",
    "CoreShowChannels": "see calls that were up before it connected",
    "BridgeList": "see who speaks with whom",
    "BridgeInfo": "see who speaks with whom",
    "QueueStatus": "see who waits",
    "ExtensionStateList": "see which telephones are free",
}
"""Action → why the bridge must be allowed it."""

DESK: Final = {
    "QueueAdd": "sign officers in",
    "QueuePause": "pause officers",
    "BlindTransfer": "transfer",
    "Atxfer": "consult",
    "CancelAtxfer": "come back from a consultation",
    "Hangup": "hang up",
    "PlayDTMF": "hold",
    "Originate": "call back",
}
"""Action → what officers cannot do from the desk without it."""

MUST_NOT: Final = {
    "Command": "run console commands",
    "UpdateConfig": "rewrite the configuration",
    "CreateConfig": "write files",
    "ModuleLoad": "load and unload modules",
    "DBPut": "change Asterisk's database",
    "AGI": "run programs on calls",
    "DialplanExtensionAdd": "rewrite the dialplan",
}
"""Action → what could be done with it by whoever gets hold of the secret."""

_MODULES: Final = ("app_queue", "cel_custom", "res_pjsip", "res_parking", "func_channel")
_WRITE: Final = "reporting,agent,call,originate"
_SKEW: Final = (0.5, 5.0)
"""Seconds of clock difference: from here a warning, from here a failure."""


def of_node(node: NodeSection, config: Config, secret: str, listen: float) -> Iterator[Finding]:
    """Everything found of one Asterisk, as it is found; `listen`: seconds to wait for an event."""
    where = node.label
    manager = f"[{node.ami_username}] in manager.conf on {where}"
    try:
        session = Session(node.address())
    except Unreachable as error:
        yield Finding(
            where, "reachable", Grade.FAILED, f"{node.ami_host}:{node.ami_port}: {error}",
            "is Asterisk running? manager.conf: enabled = yes, bindaddr, port; then the firewall",
        )  # fmt: skip
        return
    with session:
        yield Finding(where, "reachable", Grade.OK, session.banner)
        yield _in_the_clear(node)
        try:
            reply = session.login(node.ami_username, secret)
        except Unreachable as error:
            yield Finding(where, "login", Grade.FAILED, str(error), "try again")
            return
        if not reply.good:
            told = reply.headers.get("Message", reply.status)
            yield Finding(
                where, "login", Grade.FAILED, f"{node.ami_username!r} is refused: {told}",
                f"compare ami_username and ami_secret with {manager}, and its permit= lines",
            )  # fmt: skip
            return
        yield Finding(where, "login", Grade.OK, f"as {node.ami_username}")
        checks = _Checks(session, where, manager, config)
        yield checks.version()
        may = checks.actions()
        yield checks.must(may)
        yield checks.desk(may)
        yield checks.must_not(may)
        yield checks.clock()
        yield from checks.queues()
        yield from checks.modules(may)
        yield from checks.stream(listen, may)


class _Checks:
    def __init__(self, session: Session, where: str, manager: str, config: Config) -> None:
        self.session = session
        self.where = where
        self.manager = manager
        self.config = config

    def _found(self, check: str, grade: Grade, told: str, mend: str = "") -> Finding:
        return Finding(self.where, check, grade, told, mend)

    def version(self) -> Finding:
        reply = self.session.ask("CoreSettings")
        version = reply.headers.get("AsteriskVersion", "")
        if not reply.good or not version:
            return self._found(
                "version", Grade.UNKNOWN, "this user may not ask",
                f"give {self.manager} write = reporting, or run: asterisk -V",
            )  # fmt: skip
        major = int(found.group()) if (found := re.search(r"\d+", version)) else 0
        told = f"Asterisk {version}"
        if name := reply.headers.get("SystemName"):
            told += f", systemname {name}"
        if major and major < 20:
            return self._found("version", Grade.WARNING, told, "made for Asterisk 20 and newer")
        return self._found("version", Grade.OK, told)

    def actions(self) -> Headers | None:
        """The actions this user may run; `None` where Asterisk does not say."""
        reply = self.session.ask("ListCommands")
        return reply.headers if reply.good else None

    def must(self, may: Mapping[str, str] | None) -> Finding:
        if may is None:
            return self._found(
                "may do what it must", Grade.UNKNOWN, "Asterisk did not list this user's actions",
                "run: asterisk -rx 'manager show user NAME'",
            )  # fmt: skip
        lacking = [name for name in MUST if name not in may]
        if lacking:
            return self._found(
                "may do what it must", Grade.FAILED,
                "; ".join(f"not {name}: cannot {MUST[name]}" for name in lacking),
                f"add reporting to write= of {self.manager}",
            )  # fmt: skip
        return self._found("may do what it must", Grade.OK, ", ".join(MUST))

    def desk(self, may: Mapping[str, str] | None) -> Finding:
        check = "the desk may act"
        if may is None:
            return self._found(
                check, Grade.UNKNOWN, "Asterisk did not list this user's actions",
                "run: asterisk -rx 'manager show user NAME'",
            )  # fmt: skip
        lacking = [name for name in DESK if name not in may]
        if lacking:
            return self._found(
                check, Grade.WARNING,
                "; ".join(f"not {name}: officers cannot {DESK[name]}" for name in lacking),
                f"set write = {_WRITE} in {self.manager}; module app_senddtmf for PlayDTMF",
            )  # fmt: skip
        return self._found(check, Grade.OK, ", ".join(DESK))

    def must_not(self, may: Mapping[str, str] | None) -> Finding:
        check = "may do no more"
        if may is None:
            return self._found(
                check, Grade.UNKNOWN, "Asterisk did not list this user's actions",
                "run: asterisk -rx 'manager show user NAME'",
            )  # fmt: skip
        found = [name for name in MUST_NOT if name in may]
        if found:
            return self._found(
                check, Grade.WARNING,
                "; ".join(f"{name}: could {MUST_NOT[name]}" for name in found),
                f"set write = {_WRITE} in {self.manager}",
            )  # fmt: skip
        return self._found(check, Grade.OK, f"none of {', '.join(MUST_NOT)}")

    def clock(self) -> Finding:
        reply = self.session.ask("Ping")
        try:
            skew = float(reply.headers["Timestamp"]) - reply.at
        except (KeyError, ValueError):
            return self._found(
                "clock", Grade.UNKNOWN, "Asterisk did not tell its time", "compare `date` on both"
            )
        told = f"{skew * 1000:+.0f} ms against this machine (± {reply.took * 500:.0f} ms)"
        if abs(skew) < _SKEW[0]:
            return self._found("clock", Grade.OK, told)
        grade = Grade.WARNING if abs(skew) < _SKEW[1] else Grade.FAILED
        return self._found("clock", grade, told, "run an NTP client on both machines")

    def queues(self) -> Iterator[Finding]:
        reply = self.session.ask("QueueStatus", "QueueStatusComplete")
        if not reply.good:
            yield self._found(
                "queues", Grade.FAILED, reply.headers.get("Message", reply.status),
                "is app_queue loaded? asterisk -rx 'module load app_queue.so'",
            )  # fmt: skip
            return
        there = {e["Queue"] for e in reply.events if e.get("Event") == "QueueParams"}
        named = set(self.config.queue)
        if missing := sorted(named - there):
            yield self._found(
                "queues", Grade.FAILED,
                f"not on this Asterisk: {', '.join(missing)}; it has {', '.join(sorted(there))}",
                "correct the [queue.NAME] sections, or queues.conf",
            )  # fmt: skip
        if extra := sorted(there - named):
            yield self._found(
                "queues", Grade.WARNING,
                f"without a service: {', '.join(extra)}; timed as information",
                "add a [queue.NAME] section with its service for each",
            )  # fmt: skip
        if named and not missing and not extra:
            yield self._found("queues", Grade.OK, ", ".join(sorted(named)))
        yield self._members(reply.events)

    def _members(self, events: list[Headers]) -> Finding:
        members = {
            e.get("Location", "") or e.get("StateInterface", "")
            for e in events
            if e.get("Event") == "QueueMember"
        }
        if not members:
            return self._found(
                "officers", Grade.UNKNOWN, "no queue has a member now",
                "run the doctor again when officers are at work",
            )  # fmt: skip
        directory = self.config.directory()
        # behind a Local channel stands the officer's own telephone, which a glob covers
        strange = sorted(
            member
            for member in members
            if directory.agent(member) is None
            and not directory.is_agent_number(directory.agent_id(member))
        )
        if strange:
            return self._found(
                "officers", Grade.FAILED if len(strange) == len(members) else Grade.WARNING,
                f"members of a queue that no glob of [agents] covers: {', '.join(strange)}",
                "add a glob to agents.interfaces for them",
            )  # fmt: skip
        return self._found("officers", Grade.OK, f"all {len(members)} queue members are covered")

    def modules(self, may: Mapping[str, str] | None) -> Iterator[Finding]:
        if may is not None and "ModuleCheck" in may:
            gone = [m for m in _MODULES if not self.session.ask("ModuleCheck", Module=m).good]
            if gone:
                yield self._found(
                    "modules", Grade.FAILED, f"not loaded: {', '.join(gone)}",
                    "; ".join(f"asterisk -rx 'module load {m}.so'" for m in gone),
                )  # fmt: skip
            else:
                yield self._found("modules", Grade.OK, ", ".join(_MODULES))
            return
        yield self._found(
            "modules", Grade.UNKNOWN, "this user may not ask (and need not be able to)",
            f"there, run: asterisk -rx 'module show' | grep -E '{'|'.join(_MODULES)}'",
        )  # fmt: skip

    def stream(self, listen: float, may: Mapping[str, str] | None) -> Iterator[Finding]:
        """Whether events are stamped and filtered, from what Asterisk sends by itself."""
        set_by_us = may is not None and "Filter" in may
        self.session.wait(_by_itself if set_by_us else _further_on, listen)
        heard = [e for e in self.session.events if _by_itself(e)]
        check = "timestampevents"
        if not heard:
            yield self._found(
                check, Grade.UNKNOWN, f"no event came by itself within {listen:g} s",
                "run the doctor again with --listen 60 and place a call, or look:"
                " timestampevents = yes in [general] of manager.conf",
            )  # fmt: skip
        elif all("Timestamp" in e for e in heard):
            yield self._found(check, Grade.OK, f"all of {len(heard)} events carry their time")
        else:
            yield self._found(
                check, Grade.FAILED, "events come without their time",
                "timestampevents = yes in [general] of manager.conf, then: manager reload",
            )  # fmt: skip
        yield self._filter(heard, set_by_us)

    def _filter(self, heard: list[Headers], set_by_us: bool) -> Finding:
        check = "event filter"
        wanted = {name.decode() for name in needed(self.config.menu_contexts())}
        noise = sorted({e["Event"] for e in heard} - wanted - _HARMLESS)
        if set_by_us:
            return self._found(check, Grade.OK, "the bridge sets its own at every login")
        mend = f"add the eventfilter lines of dialplan/ to {self.manager}"
        if noise:
            return self._found(
                check, Grade.WARNING, f"unneeded events come: {', '.join(noise)}", mend
            )
        if any(map(_further_on, heard)):
            return self._found(check, Grade.OK, f"none of {len(heard)} events was unneeded")
        return self._found(
            check, Grade.UNKNOWN, "no call was heard on its way, and a filter cannot be asked for",
            f"look for eventfilter lines in {self.manager}, or place a call with --listen 60",
        )  # fmt: skip


_HARMLESS: Final = frozenset({"FullyBooted", "Shutdown", "Reload"})
_FURTHER_ON: Final = frozenset({"UserEvent", "QueueCallerJoin", "BridgeEnter", "Hangup"})
"""Of a call on its way: without a filter, unneeded ones have come before any of these."""


def _by_itself(event: Headers) -> bool:
    """An event that is no part of an answer and is stamped where stamping is on."""
    return "ActionID" not in event and event.get("Event") != "FullyBooted"


def _further_on(event: Headers) -> bool:
    return _by_itself(event) and event.get("Event") in _FURTHER_ON


def _in_the_clear(node: NodeSection) -> Finding:
    """Whether what passes between the bridge and this Asterisk can be read on the way."""
    if node.ami_tls:
        return Finding(node.label, "encrypted", Grade.OK, "AMI over TLS, its certificate checked")
    if within_this_machine(node.ami_host):
        return Finding(node.label, "encrypted", Grade.OK, "AMI does not leave this machine")
    return Finding(
        node.label, "encrypted", Grade.WARNING,
        "the AMI secret and callers' numbers cross the network in the clear",
        "ami_tls_bind of the site, ami_tls and ami_ca_file of this node: docs/tls.md",
    )  # fmt: skip
