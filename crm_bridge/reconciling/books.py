"""Which books belong to which node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crm_bridge.config import Config, NodeSection
from crm_bridge.errors import ConfigMistake
from ivr.books.cel import CelReader

_FIRST = 65_536
"""Bytes of a CEL file in which its first row is looked for."""


@dataclass(frozen=True, slots=True)
class Books:
    """The books of one Asterisk."""

    node: str
    cel: Path | None
    queue_log: Path | None
    cel_rotated: bool = False
    """The older parts beside it belong to it too; not beside a file that was given alone."""
    queue_log_rotated: bool = False


def books_of(
    config: Config, cel: Path | None = None, queue_log: Path | None = None, node: str | None = None
) -> list[Books]:
    """The books of each node, files that are given before those configured.

    Raises ConfigMistake where there are none, or where it is not clear whose the given ones are.
    """
    sections = [s for s in config.node if node is None or node in {s.name, s.label}]
    if not sections and node is not None and len(config.node) == 1 and not config.node[0].name:
        sections = config.node[:1]
    if not sections:
        raise ConfigMistake(f"no node is named {node}", where="--node", mend="name one of [[node]]")
    if (cel or queue_log) and len(sections) > 1:
        raise ConfigMistake(
            "there are several nodes", where="--cel, --queue-log", mend="say which with --node NAME"
        )
    found = [
        Books(
            node or name_of(s, cel or s.cel_file), cel or s.cel_file, queue_log or s.queue_log_file,
            cel_rotated=cel is None, queue_log_rotated=queue_log is None,
        )
        for s in sections
        if cel or queue_log or s.cel_file or s.queue_log_file
    ]  # fmt: skip
    if not found:
        raise ConfigMistake(
            "no node has books",
            where="node.cel_file, node.queue_log_file",
            mend="name Asterisk's CEL and queue_log there, or give --cel and --queue-log",
        )
    return found


def name_of(section: NodeSection, cel: Path | None) -> str:
    """The node's name; where the configuration leaves it to Asterisk, as its channels' ids say."""
    if section.name is not None:
        return section.name
    if cel is not None:
        reader = CelReader()
        try:
            with cel.open("rb") as stream:
                rows = reader.feed(stream.read(_FIRST)) + reader.end()
        except OSError:
            rows = []
        for row in rows:
            name = row.uniqueid.rpartition("-")[0]
            if name:
                return name
    return section.label
