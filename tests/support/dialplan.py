"""Reads the rendered dialplan as text: contexts, extensions, steps and where they lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.lab.install import install
from ivr.lab.site import Agent, Site

INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"')


@dataclass
class Step:
    extension: str
    application: str
    arguments: str
    label: str | None
    where: str


@dataclass
class Context:
    name: str
    steps: list[Step] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)

    @property
    def extensions(self) -> set[str]:
        return {step.extension for step in self.steps}


def site(root: Path) -> Site:
    """A site below `root`, with one officer who may call out and one agency at an address."""
    return Site(
        root=root,
        agents=(
            Agent("1001"),
            Agent("1002", outbound=True),
            Agent("1003", records_prompts=True),
            Agent("1004", outbound=True, records_prompts=True),
            Agent("1008", via="devices"),
            Agent("1009", via="local"),
        ),
        agency_addresses={"2001": "192.0.2.11"},
        prompt_seconds=0.1,
    )


def rendered(root: Path) -> Path:
    """The configuration directory of that site."""
    return install(root / "etc" / "asterisk", site(root)).config


def without_comment(line: str) -> str:
    return re.split(r"(?<!\\);", line, maxsplit=1)[0].rstrip()


def files(config: Path) -> list[Path]:
    """extensions.conf and what it includes, in order."""
    top = config / "extensions.conf"
    return [top] + [
        config / found[1] for line in top.read_text().splitlines() if (found := INCLUDE.match(line))
    ]


def read(config: Path) -> dict[str, Context]:
    contexts: dict[str, Context] = {}
    current: Context | None = None
    extension = ""
    for path in files(config):
        for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = without_comment(raw)
            where = f"{path.name}:{number}"
            if head := re.match(r"^\[([^\]]+)\]", line):
                current = contexts.setdefault(head[1], Context(head[1]))
            elif found := re.match(r"^include\s*=>\s*(\S+)", line):
                assert current is not None, where
                current.includes.append(found[1])
            elif found := re.match(
                r"^(?:exten\s*=>\s*([^,]+),(hint|1)|\s+same\s*=>\s*n)(?:\((\w+)\))?,(.*)$", line
            ):
                assert current is not None, where
                extension = found[1] or extension
                if found[2] == "hint":
                    continue
                call = re.match(r"^(\w+)\((.*)\)$", found[4].strip())
                assert call, f"{where}: {line!r}"
                current.steps.append(Step(extension, call[1], call[2], found[3], where))
            else:
                assert "=>" not in line, f"{where}: not understood: {line!r}"
    contexts.pop("general", None)
    contexts.pop("globals", None)
    return contexts


def loaded(events: Iterable[Mapping[str, str]]) -> dict[str, Context]:
    """The dialplan that an Asterisk really runs, from its answer to ShowDialplan."""
    contexts: dict[str, Context] = {}
    for event in events:
        if event.get("Event") != "ListDialplan":
            continue
        context = contexts.setdefault(event["Context"], Context(event["Context"]))
        if "IncludeContext" in event:
            context.includes.append(event["IncludeContext"])
        elif event.get("Priority", "").isdecimal():
            where = f"{event['Context']},{event['Extension']},{event['Priority']}"
            context.steps.append(
                Step(
                    event["Extension"], event["Application"], event.get("AppData", ""),
                    event.get("ExtensionLabel"), where,
                )
            )  # fmt: skip
    return contexts


def pattern(extension: str) -> re.Pattern[str]:
    """A dialplan extension as a regular expression."""
    if not extension.startswith("_"):
        return re.compile(re.escape(extension) + r"\Z")
    body = extension[1:]
    for sign, meaning in (("X", "[0-9]"), ("Z", "[1-9]"), ("N", "[2-9]")):
        body = re.sub(rf"(?<!\[){sign}(?![^\[]*\])", meaning, body)
    body = re.sub(r"(\[[^\]]*)(?<!-)-(?=[^\]]*\])", r"\1-", body)
    return re.compile(body.replace("!", ".*") + r"\Z")


def split(arguments: str) -> list[str]:
    """Arguments at commas that stand outside of braces and brackets."""
    parts, depth, part = [], 0, ""
    for sign in arguments:
        depth += (sign in "({[") - (sign in ")}]")
        if sign == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [*parts, part]


def targets(context: str, step: Step) -> list[tuple[str, str, str]]:
    """(context, extension, priority or label) of every place the step can go on at."""
    found: list[str] = []
    if step.application in ("Goto", "Gosub"):
        found = [step.arguments]
    elif step.application == "GotoIf":
        found = [part for part in step.arguments.split("?", 1)[1].split(":") if part]
    elif step.application in ("Queue", "Dial"):
        found = [f"{name},s,1" for name in re.findall(r"[bBU]\(([a-z-]+)[\^)]", step.arguments)]
        found += re.findall(r"Local/[^@]*@([a-z-]+)", step.arguments)
        if goes_on := re.search(r"G\(([a-z-]+)\^\$\{[A-Z_]+\}\^1\)", step.arguments):
            found.append(f"{goes_on[1]},${{EXTEN}},1")
    elif step.application == "Set" and step.arguments.startswith("CONNECTED_LINE_SEND_SUB="):
        found = [step.arguments.partition("=")[2]]
    places = []
    for target in found:
        parts = [re.sub(r"\(.*\)\Z", "", part) for part in split(target)]
        if step.application == "Dial" and len(parts) == 1:
            parts = [parts[0], "${EXTEN}", "1"]
        elif len(parts) == 1:
            parts = [context, step.extension, *parts]
        elif len(parts) == 2:
            parts = [context, *parts]
        places.append((parts[0], parts[1], parts[2]))
    return places


def reachable(contexts: dict[str, Context], start: str) -> set[str]:
    """Contexts that a channel which begins in `start` can come to run in."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in seen or name not in contexts:
            continue
        seen.add(name)
        context = contexts[name]
        ahead += context.includes
        for step in context.steps:
            ahead += [place[0] for place in targets(name, step)]
    return seen
