"""A ready hotline.toml for a lab, so that the bridge can be started on it at once."""

from __future__ import annotations

import json
from pathlib import Path

from ivr.lab.address import AMI_PORT, address
from ivr.lab.asterisk import Running
from ivr.lab.install import read_agencies
from ivr.lab.site import QUEUE_NUMBERS, QUEUES, Site


def write_config(lab: Running, directory: Path, *, database: str = "hotline.db") -> Path:
    """Writes the lab's hotline.toml, readable by its owner only; returns its path."""
    path = directory / "hotline.toml"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(_toml(lab, directory.resolve(), database), encoding="utf-8")
    return path


def _toml(lab: Running, directory: Path, database: str) -> str:
    site = Site()
    lines = [
        f"# Made by `hotline lab up` for the lab with number {lab.number}.",
        "[database]",
        f"url = {_text(f'sqlite:///{directory / database}')}",
        "",
        "[messages]",
        f"folder = {_text(str(directory / 'outbox'))}",
        "",
        "[mail]",
        f"folder = {_text(str(directory / 'outbox'))}",
        "",
        "[desk]",
        f"data_dir = {_text(str(directory / 'desk-data'))}",
        "",
        "[selfservice]",
        f"host = {_text(address(lab.number, 3))}",
        "",
        "[[node]]",
        f"name = {_text(f'lab{lab.number}')}",
        f"ami_host = {_text(lab.server)}",
        f"ami_port = {AMI_PORT}",
        'ami_username = "hotline"',
        f"ami_secret = {_text(lab.ami_secret)}",
        f"cel_file = {_text(str(lab.cel))}",
        f"queue_log_file = {_text(str(lab.queue_log))}",
        f"sounds = {_text(str(lab.instance / 'data' / 'sounds'))}",
        f"takes = {_text(str(lab.instance / 'spool' / 'takes'))}",
        "",
        "[line]",
        f"numbers = {json.dumps(list(site.numbers))}",
        'entry_contexts = ["from-trunk"]',
        "",
        "[agents]",
        'interfaces = ["PJSIP/1[0-9][0-9][0-9]"]',
    ]
    for queue in QUEUES:
        lines += ["", f"[queue.{queue}]", f"service = {_text(queue)}"]
        lines.append(f"number = {_text(QUEUE_NUMBERS[queue])}")
    for agency in read_agencies():
        lines += [
            "",
            f"[agency.{_text(agency.id)}]",
            f"name_th = {_text(agency.name_th)}",
            f"name_en = {_text(agency.name_en)}",
            f"numbers = [{_text(agency.number)}]",
            f"interfaces = [{_text(f'PJSIP/{agency.number}')}]",
            f"kind = {_text(agency.kind)}",
            f"province = {_text(agency.province)}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML string: what JSON writes is one, with its letters as they are."""
    return json.dumps(value, ensure_ascii=False)
