"""Installing the configuration: what is rendered, drawn, kept and refused."""

from __future__ import annotations

import re
import stat
import wave
from dataclasses import replace

import pytest

from ivr.events.decode import DECODERS, needed
from ivr.lab.install import dialplan_directory, install
from ivr.lab.site import MANAGER_EVENTS, Agent, Device, InstallError, Site
from tests.support import dialplan

LISTED = {
    "CoreShowChannel", "CoreShowChannelsComplete", "BridgeInfoChannel", "QueueEntry", "QueueMember",
}  # fmt: skip
"""Replies to actions, which Asterisk sends past the filter."""


@pytest.fixture
def installed(tmp_path):
    return install(tmp_path / "etc" / "asterisk", dialplan.site(tmp_path))


def test_nothing_of_a_template_is_left(installed):
    for path in installed.config.glob("*.conf"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.startswith(";") or not re.search(r"@[A-Z][A-Z_]*@", line), (path, line)


def test_every_included_file_is_there(installed):
    for path in installed.config.glob("*.conf"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := dialplan.INCLUDE.match(line):
                assert (installed.config / found[1]).exists(), (path.name, line)


def test_secrets_are_drawn_kept_and_private(installed, tmp_path):
    again = install(installed.config, dialplan.site(tmp_path))
    assert again.ami_secret == installed.ami_secret
    assert again.device_secrets == installed.device_secrets
    assert len({installed.ami_secret, *installed.device_secrets.values()}) == 7
    assert all(len(s) >= 32 for s in (installed.ami_secret, *installed.device_secrets.values()))
    secrets = [installed.ami_secret, *installed.device_secrets.values()]
    for path in installed.config.iterdir():
        holds = any(secret in path.read_text(encoding="utf-8") for secret in secrets)
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if holds else 0o644), path.name


def test_two_sites_never_share_a_secret(tmp_path):
    one = install(tmp_path / "1", Site(root=tmp_path / "r1"))
    two = install(tmp_path / "2", Site(root=tmp_path / "r2"))
    assert one.ami_secret != two.ami_secret
    assert not set(one.device_secrets.values()) & set(two.device_secrets.values())


def test_no_secret_in_the_repository():
    for path in dialplan_directory().rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(secret|password)\s*=", text, re.M), path.name


def test_what_another_hand_wrote_is_kept_once(tmp_path):
    config = tmp_path / "etc"
    config.mkdir()
    (config / "queues.conf").write_text("theirs")
    for _ in range(2):
        install(config, dialplan.site(tmp_path))
    assert (config / "queues.conf.before-hotline").read_text() == "theirs"
    assert [path.name for path in config.glob("*.before-hotline")] == ["queues.conf.before-hotline"]


def test_the_manager_user_has_no_more_than_it_needs(installed):
    user = (installed.config / "manager-hotline.conf").read_text()
    assert "\nread = system,call,agent,user,dtmf\n" in user
    assert "\nwrite = reporting,agent,call,originate\n" in user
    assert "deny = 0.0.0.0/0.0.0.0\n" in user
    general = (installed.config / "manager.conf").read_text()
    assert "\ntimestampevents = yes" in general
    assert "\nwebenabled = no" in general


def test_the_filter_lets_through_what_the_bridge_decodes():
    wanted = {name.decode() for name in needed()} & set(DECODERS) - LISTED
    wanted = {name for name in wanted if re.fullmatch(r"[A-Z]\w+", name)}
    internal = {name for name in wanted if name.startswith("Hotline")}
    assert set(MANAGER_EVENTS) == wanted - internal


def test_telephones_register_or_stand_at_an_address(tmp_path):
    agents = (
        Agent("1001", devices=(Device("1001", "192.0.2.21:5070"),)),
        Agent("1008", devices=(Device("1008a"), Device("1008b", webrtc=True)), via="devices"),
    )
    installed = install(tmp_path / "etc", Site(root=tmp_path, agents=agents))
    text = (installed.config / "pjsip-agents.conf").read_text()
    assert "contact = sip:1001@192.0.2.21:5070\n" in text
    assert "match = 192.0.2.21\n" in text
    assert set(installed.device_secrets) == {"1008a", "1008b"}
    assert "[1008b](webrtc-endpoint)" in text
    members = (installed.config / "queue-members.conf").read_text()
    assert "Local/1008@agent-devices/n,0,1008,hint:1008@agent-numbers" in members


def test_who_is_named_may_speak_sip(installed):
    text = (installed.config / "pjsip.conf").read_text()
    assert "deny = 0.0.0.0/0.0.0.0\ndeny = ::/0\n" in text
    for address in ("192.0.2.1", "192.0.2.11"):
        assert f"permit = {address}\n" in text


def test_prompts_speak_in_both_languages(installed, tmp_path):
    for language in ("th", "en"):
        path = tmp_path / "usr/share/asterisk/sounds" / language / "hotline" / "greeting.wav"
        with wave.open(str(path)) as sound:
            assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (
                8000, 2, 1,
            )  # fmt: skip
            assert sound.getnframes() == 800


def test_cel_columns_are_as_the_comment_says(installed):
    text = (installed.config / "cel_custom.conf").read_text()
    mapping = next(line for line in text.splitlines() if line.startswith("hotline.csv"))
    columns = re.findall(
        r"CSV_QUOTE\(\$\{(?:CHANNEL\((\w+)\)|CALLERID\((\w+)\)|(\w+))\}\)", mapping
    )
    assert [a or b or c for a, b, c in columns] == [
        "eventtime", "eventtype", "uniqueid", "linkedid", "channame", "peer", "name", "num", "ANI",
        "DNID", "exten", "context", "appname", "appdata", "eventextra",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"numbers": ("12o3",)}, "numbers"),
        ({"agents": (Agent("2001"),)}, "1000 to 1999"),
        ({"agents": (Agent("1001", via="air"),)}, "via"),
        ({"agents": (Agent("1001", devices=(Device("1002"),)),)}, "device"),
        ({"language": "fr"}, "language"),
        ({"systemname": "พาณิชย์"}, "systemname"),
        ({"systemname": ".."}, "systemname"),
        ({"systemname": "pbx/1"}, "systemname"),
        ({"survey": {"nowhere": 10}}, "survey: 'nowhere'"),
        ({"survey": {"complaint": 101}}, "survey: 101"),
        ({"office": "a\n[evil]"}, "office"),
        ({"ami_bind": "127.0.0.1;"}, "ami_bind"),
    ],
)
def test_a_value_that_cannot_stand_is_named(tmp_path, change, told):
    with pytest.raises(InstallError, match=told):
        install(tmp_path / "etc", replace(dialplan.site(tmp_path), **change))
    assert not (tmp_path / "etc").exists()


def test_an_owner_who_does_not_exist_is_named_before_anything_is_written(tmp_path):
    with pytest.raises(InstallError, match="owner: there is no user"):
        install(tmp_path / "etc", Site(owner="no-such-user-here"))
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("callback", [True, False])
def test_a_waiting_caller_has_a_key_only_where_places_are_kept(tmp_path, callback):
    site = replace(dialplan.site(tmp_path), selfservice="127.0.0.1:4573", callback=callback)
    queues = (install(tmp_path / "etc", site).config / "queues.conf").read_text()
    assert ("context = queue-keys\n" in queues) is callback
    assert (f"periodic-announce = hotline/queue-wait{'-key' * callback}\n") in queues


def test_a_site_that_keeps_places_says_where_the_bridge_is(tmp_path):
    with pytest.raises(InstallError, match="selfservice"):
        install(tmp_path, replace(dialplan.site(tmp_path), callback=True))
