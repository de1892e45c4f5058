"""What `docker/` promises, held without an engine: hardening, pins, secrets, addresses."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm_bridge.config import load_config
from ivr.lab.install import install, read_agencies
from ivr.lab.site import Site

DOCKER = Path(__file__).parents[2] / "docker"
DOCKERFILES = (DOCKER / "Dockerfile", DOCKER / "asterisk" / "Dockerfile")
SERVERS = ("asterisk", "bridge")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continuation lines joined, comments left out."""
    lines = [
        line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")
    ]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    split = (line.strip().partition(" ") for line in joined if line.strip())
    return [(word, rest.strip()) for word, _, rest in split]


def dotenv(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def site() -> dict[str, Any]:
    return tomllib.loads((DOCKER / "config" / "site.toml").read_text("utf-8"))


# --- compose.yaml ---------------------------------------------------------------------------------


def test_the_environment_example_names_what_compose_uses_and_holds_no_secret():
    text = (DOCKER / "compose.yaml").read_text("utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    example = dotenv(DOCKER / ".env.example")
    assert set(example) == used
    assert example["HOTLINE_AMI_SECRET"] == ""


def test_a_missing_secret_is_refused_with_the_mend_and_none_has_a_default():
    text = (DOCKER / "compose.yaml").read_text("utf-8")
    uses = re.findall(r"\$\{HOTLINE_AMI_SECRET(.*?)\}", text)
    assert uses
    assert all(use.startswith(":?") and "openssl rand" in use for use in uses)
    assert not re.search(r"(?i)(secret|password|token)\w*[:=]\s*[\"']?[A-Za-z0-9]{6,}", text)


def test_every_container_is_hardened(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert "privileged" not in service, name
        assert "cap_add" not in service, name
        assert service.get("network_mode") != "host", name


def test_ami_is_published_nowhere_and_only_the_two_are_on_its_network(compose: dict[str, Any]):
    published = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert not any("5038" in port for ports in published.values() for port in ports)
    assert published["install"] == []
    assert [port.rsplit(":", 1)[-1] for port in published["bridge"]] == ["8203/tcp"]
    assert published["bridge"][0].startswith("${HOTLINE_PAGES_ADDRESS:-127.0.0.1}:")
    on_ami = [n for n, s in compose["services"].items() if "ami" in s.get("networks", {})]
    assert sorted(on_ami) == sorted(SERVERS)
    assert compose["networks"]["ami"]["internal"] is True


def test_the_addresses_of_compose_stand_in_the_site_and_in_the_bridge_s_configuration(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    line, bridge = (
        compose["services"][n]["networks"]["ami"]["ipv4_address"] for n in ("asterisk", "bridge")
    )
    assert site()["ami_bind"] == line
    assert site()["ami_permit"] == [f"{bridge}/255.255.255.255"]
    monkeypatch.setenv("HOTLINE_NODE__AMI_SECRET", "s" * 24)
    config = load_config(DOCKER / "config" / "hotline.toml")
    assert config.node[0].ami_host == line
    assert config.node[0].name == site()["systemname"]
    assert config.line.numbers == site()["numbers"]


def test_the_voice_ports_published_are_the_site_s(compose: dict[str, Any]):
    voice = f"{site()['rtp_start']}-{site()['rtp_end']}"
    assert f"{voice}:{voice}/udp" in compose["services"]["asterisk"]["ports"]


def test_volumes_are_declared_used_and_the_configuration_read_only(compose: dict[str, Any]):
    mounts = {n: s.get("volumes", []) for n, s in compose["services"].items()}
    named = {m.split(":")[0] for ms in mounts.values() for m in ms} - {"./config"}
    assert named == set(compose["volumes"])
    assert "line-config:/etc/asterisk:ro" in mounts["asterisk"]
    assert {"recordings", "line-books"} <= {m.split(":")[0] for m in mounts["asterisk"]}
    assert "database:/var/lib/hotline" in mounts["bridge"]
    assert all(m.endswith(":ro") for ms in mounts.values() for m in ms if m.startswith("./"))


def test_the_bridge_waits_for_asterisk_and_asterisk_for_its_configuration(compose: dict[str, Any]):
    services = compose["services"]
    condition = {
        n: {on: how["condition"] for on, how in services[n]["depends_on"].items()} for n in SERVERS
    }
    assert condition == {
        "asterisk": {"install": "service_completed_successfully"},
        "bridge": {"asterisk": "service_healthy"},
    }


# --- Dockerfiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_base_is_an_argument_and_pinned(path: Path):
    found = instructions(path)
    word, base = found[0]
    assert (word, base.partition("=")[0]) == ("ARG", "BASE")
    image, _, tag = base.partition("=")[2].partition(":")
    assert "." not in image.split("/")[0]  # no registry's host
    assert re.search(r"\d+\.\d+\.\d+|\d{8}", tag), f"{tag} moves"
    stages = {rest.split(" AS ")[1] for word, rest in found if word == "FROM" and " AS " in rest}
    bases = {rest.split(" AS ")[0] for word, rest in found if word == "FROM"}
    assert bases <= {"${BASE}"} | stages


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_it_runs_as_a_user_without_rights_and_tells_its_health(path: Path):
    found = instructions(path)
    users = [rest for word, rest in found if word == "USER"]
    assert users[-1] == "1203:1203"
    health = [rest for word, rest in found if word == "HEALTHCHECK"]
    assert len(health) == 1
    assert "NONE" not in health[0]
    asked = "/healthz" if path.parent == DOCKER else "core waitfullybooted"
    assert asked in health[0]


def test_the_bridge_is_built_in_stages_from_hashed_packages():
    found = instructions(DOCKERFILES[0])
    assert [word for word, _ in found].count("FROM") == 2
    runs = " ".join(rest for word, rest in found if word == "RUN")
    assert "--require-hashes" in runs
    assert ("CMD", '["run", "--config", "/etc/hotline/hotline.toml"]') in found


def test_what_the_build_needs_is_not_ignored():
    kept = {
        line[1:]
        for line in (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source.rstrip("/")
        for word, rest in instructions(DOCKERFILES[0])
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == kept


# --- configuration and scripts --------------------------------------------------------------------


def test_the_agencies_are_those_of_the_dialplan(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOTLINE_NODE__AMI_SECRET", "s" * 24)
    config = load_config(DOCKER / "config" / "hotline.toml")
    told = {(k, a.name_th, a.name_en, tuple(a.numbers)) for k, a in config.agency.items()}
    assert told == {(a.id, a.name_th, a.name_en, (a.number,)) for a in read_agencies()}


def test_the_site_of_the_containers_is_one_the_installer_knows():
    assert set(site()) <= set(Site.__dataclass_fields__)


def install_line(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `install-line` with a `hotline` that only notes what it was asked."""
    stand_in = directory / "hotline"
    stand_in.write_text(f'#!/bin/sh\necho "$@" >{directory}/asked\n')
    stand_in.chmod(0o755)
    (directory / "etc").mkdir(exist_ok=True)
    return subprocess.run(
        ["sh", str(DOCKER / "install-line")],
        env={
            "PATH": f"{directory}:{os.environ['PATH']}",
            "HOTLINE_LINE_CONFIG": str(directory / "etc"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_given_secret_stands_among_the_drawn_ones(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    secrets = tmp_path / "etc" / ".secrets"
    secrets.write_text("1001 drawn-before\nami of-yesterday\n")
    done = install_line(tmp_path, HOTLINE_AMI_SECRET="a" * 24, HOTLINE_PUBLIC_ADDRESS="192.0.2.20")
    assert done.returncode == 0, done.stderr
    assert secrets.read_text().splitlines() == ["1001 drawn-before", "ami " + "a" * 24]
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert "install --to" in (tmp_path / "asked").read_text()
    assert "external_media_address = 192.0.2.20" in (tmp_path / "etc/pjsip-trunk.conf").read_text()
    assert "a" * 24 not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("secret", "address", "said"),
    [
        ("", "192.0.2.20", "HOTLINE_AMI_SECRET"),
        ("short", "192.0.2.20", "shorter than 20"),
        ("a" * 20 + ";b", "192.0.2.20", "other characters"),
        ("a" * 20 + "\nread = all", "192.0.2.20", "other characters"),
        ("a" * 24, "", "HOTLINE_PUBLIC_ADDRESS"),
        ("a" * 24, "my.host", "no IP address"),
    ],
)
def test_a_value_that_cannot_stand_is_refused_before_anything_is_laid_down(
    tmp_path: Path, secret: str, address: str, said: str
):
    done = install_line(tmp_path, HOTLINE_AMI_SECRET=secret, HOTLINE_PUBLIC_ADDRESS=address)
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "asked").exists()


def test_the_installer_takes_the_given_secret(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / ".secrets").write_text("ami " + "b" * 24 + "\n")
    done = install(tmp_path / "etc", Site(root=tmp_path / "root", prompt_seconds=0.01))
    assert done.ami_secret == "b" * 24
    assert "b" * 24 in (tmp_path / "etc" / "manager-hotline.conf").read_text()


@pytest.mark.parametrize(
    "name", ["install-line", "asterisk/start-line", "soak.sh", "images-soak", "system-packages.sh"]
)
def test_scripts_are_sound_shell(name: str):
    path = DOCKER / name
    shell = path.read_text("utf-8").splitlines()[0].rsplit("/", 1)[-1].split()[-1]
    subprocess.run([shell, "-n", str(path)], check=True, capture_output=True)
    assert name == "system-packages.sh" or os.access(path, os.X_OK)
