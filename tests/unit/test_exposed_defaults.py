"""What is closed before anybody configures anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from crm_bridge.cli import app
from crm_bridge.config import Config, NodeSection, WebSection
from crm_bridge.config_selfservice import SelfServiceSection
from ivr.lab.install import install
from ivr.lab.site import Agent, Device, Site

ROOT = Path(__file__).parents[2]


def test_what_is_installed_listens_on_loopback_but_for_sip(tmp_path: Path) -> None:
    """Telephones are elsewhere: SIP listens everywhere, to the networks that are named."""
    config = install(tmp_path / "etc", Site(root=tmp_path, prompt_seconds=0.1)).config
    bound: dict[str, set[str]] = {}
    for path in config.glob("*.conf"):
        for found in re.finditer(
            r"^(?:tls)?bind(?:addr|port)? *= *([^\s;]+)", path.read_text("utf-8"), re.M
        ):
            bound.setdefault(path.name, set()).add(found[1])
    assert bound.pop("http.conf") == {"127.0.0.1", "8088"}
    assert bound.pop("manager.conf") == {"127.0.0.1"}
    assert bound.pop("pjsip.conf") == {"0.0.0.0:5060", "127.0.0.1"}
    assert bound == {}
    pjsip = (config / "pjsip.conf").read_text("utf-8")
    acl = pjsip.partition("[sip-acl]")[2].partition("\n[")[0]
    assert "deny = 0.0.0.0/0.0.0.0" in acl
    assert "deny = ::/0" in acl
    assert "strictrtp = yes" in (config / "rtp.conf").read_text("utf-8")
    for name in ("http.conf", "manager.conf"):
        assert "tlsenable = no" in (config / name).read_text("utf-8")
    assert "transport-tls" not in pjsip.replace("; ", "").split("SIP over TLS: none")[1]
    manager = (config / "manager-hotline.conf").read_text("utf-8")
    assert "deny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.0/255.0.0.0" in manager


def test_the_bridge_listens_on_loopback_and_to_loopback() -> None:
    assert WebSection().host == "127.0.0.1"
    assert WebSection().proxies == ["127.0.0.1"]
    assert SelfServiceSection().host == "127.0.0.1"
    assert SelfServiceSection().peers == ["127.0.0.0/8", "::1/128"]
    assert Config().selfservice is None
    assert NodeSection(ami_secret="x").ami_host == "127.0.0.1"


def test_a_telephone_over_tls_has_srtp_and_no_other_way(tmp_path: Path) -> None:
    agents = (
        Agent("1001", devices=(Device("1001", tls=True),)),
        Agent("1002", devices=(Device("1002", address="192.0.2.5", tls=True),)),
        Agent("1003"),
    )
    site = Site(
        root=tmp_path, prompt_seconds=0.1, agents=agents, sip_tls_port=5061, trunk_tls=True,
        trunk_ca="/etc/ssl/carrier.pem",
    )  # fmt: skip
    config = install(tmp_path / "etc", site).config
    telephones = (config / "pjsip-agents.conf").read_text("utf-8")
    assert telephones.count("media_encryption = sdes\n") == 2
    assert telephones.count("transport = transport-tls\n") == 2
    assert "contact = sip:1002@192.0.2.5:5060;transport=tls" in telephones
    trunk = (config / "pjsip-trunk.conf").read_text("utf-8")
    assert "media_encryption = sdes\n" in trunk
    pjsip = (config / "pjsip.conf").read_text("utf-8")
    assert "verify_server = yes" in pjsip
    assert "bind = 0.0.0.0:5061" in pjsip


def _commands(command: Any, path: str = "hotline") -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    found = [(path, parameter) for parameter in command.params]
    return found + [one for name in inner for one in _commands(inner[name], f"{path} {name}")]


def test_no_secret_is_a_word_of_the_command_line() -> None:
    """Everybody on the machine can read it there; a file, a terminal or the environment cannot."""
    found = _commands(typer.main.get_command(app))
    assert len(found) > 50
    told = [
        (path, parameter.name)
        for path, parameter in found
        if re.search(r"secret|password|token|key$", parameter.name or "")
        and "file" not in (parameter.name or "")
        and not getattr(parameter, "is_flag", False)
    ]
    assert told == []


def test_what_is_locked_has_hashes_and_no_hosts() -> None:
    for name in ("requirements.lock", "audit.lock"):
        text = (ROOT / name).read_text("utf-8")
        pinned = re.findall(r"^([\w.\[\]-]+)==[^\s\\]+.*\\$", text, re.M)
        every = re.findall(r"^([\w.\[\]-]+)(?:==|>=| @)", text, re.M)
        assert pinned == every
        assert text.count("--hash=sha256:") >= len(pinned) > 10
        assert "://" not in text
