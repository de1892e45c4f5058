"""The doctor looks whether the bridge can delete what Asterisk lays down."""

from __future__ import annotations

import base64
import os

from pydantic import SecretStr

from crm_bridge.commands.recording_findings import of_recordings
from crm_bridge.config import Config, NodeSection, RecordingsSection
from tests.support.scenario import config_of

KEY = RecordingsSection(keys={"k1": SecretStr(base64.b64encode(bytes(32)).decode())})


def looked(tmp_path, recordings: RecordingsSection = KEY) -> dict[str, tuple[str, str, str]]:
    node = NodeSection(name="pbx1", ami_secret="x", takes=tmp_path, recordings=tmp_path)
    config: Config = config_of("ours").model_copy(update={"recordings": recordings})
    return {f.check: (str(f.grade), f.told, f.mend) for f in of_recordings(node, config)}


def test_a_directory_that_can_be_emptied_is_found_right(tmp_path):
    found = looked(tmp_path)
    assert {grade for grade, _, _ in found.values()} == {"ok"}
    assert set(found) == {"messages", "conversations"}


def test_one_that_cannot_fails_with_its_mend(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _, how: not how & os.W_OK)
    for grade, told, mend in looked(tmp_path).values():
        assert (grade, "cannot" in told or "nothing" in told) == ("failed", True)
        assert "write" in mend


def test_a_directory_where_each_deletes_his_own_is_none(tmp_path, monkeypatch):
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert {grade for grade, _, _ in looked(tmp_path).values()} == {"failed"}


def test_without_a_key_conversations_lie_in_the_open(tmp_path):
    found = looked(tmp_path, RecordingsSection())
    assert found["conversations"][0] == "warning"
    assert "no key" in found["conversations"][1]
    assert found["messages"][0] == "ok"  # nobody is asked for one
    assert looked(tmp_path / "none")["messages"][0] == "warning"
