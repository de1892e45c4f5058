"""Each key documented; each mistake named with its mend; the environment over the file."""

import base64
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from crm_bridge import config as rooms
from crm_bridge import config_outside as outside
from crm_bridge.config import Config, load_config
from crm_bridge.config_door import DoorSection
from crm_bridge.config_hours import HoursSection
from crm_bridge.config_operations import BackupSection, HealthSection, MetricsSection
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.config_retention import RetentionSection
from crm_bridge.config_selfservice import CallbackSection, SelfServiceSection
from crm_bridge.config_supervision import SupervisionSection
from crm_bridge.errors import ConfigMistake

DOC = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = {
    "[database]": rooms.DatabaseSection,
    "[[node]]": rooms.NodeSection,
    "[line]": rooms.LineSection,
    "[door]": DoorSection,
    "[retention]": RetentionSection,
    "[queue.NAME]": rooms.QueueSection,
    "[agents]": rooms.AgentsSection,
    "[agency.ID]": rooms.AgencySection,
    "[menu]": rooms.MenuSection,
    "[web]": rooms.WebSection,
    "[messages]": outside.MessagesSection,
    "[mail]": outside.MailSection,
    "[oidc]": outside.OidcSection,
    "[connector.NAME]": outside.ConnectorSection,
    "[desk]": rooms.DeskSection,
    "[reports]": rooms.ReportsSection,
    "[selfservice]": SelfServiceSection,
    "[hours]": HoursSection,
    "[recordings]": RecordingsSection,
    "[callback]": CallbackSection,
    "[health]": HealthSection,
    "[metrics]": MetricsSection,
    "[backup]": BackupSection,
    "[supervision]": SupervisionSection,
    "[wallboard]": rooms.WallboardSection,
}
KEY = base64.b64encode(bytes(32)).decode()
PLAIN = """
[[node]]
name = "pbx1"
ami_secret = "drawn"
[queue.information]
service = "information"
[menu]
context = "1203-menu"
"1" = "complaint"
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "hotline.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("section", SECTIONS)
def test_each_key_is_documented_and_each_documented_key_exists(section):
    chapter = DOC.split(f"## {section}", 1)[1].split("\n## ", 1)[0]
    told = set(re.findall(r"^\| `([a-z_]+)` \|", chapter, flags=re.MULTILINE))
    assert told == set(SECTIONS[section].model_fields)


def test_every_section_is_documented():
    assert {f.replace("_", "") for f in Config.model_fields} == {
        re.sub(r"[^a-z].*", "", s.strip("[]")) for s in SECTIONS
    }


def test_the_plain_case(file):
    config = load_config(file(PLAIN))
    directory = config.directory()
    assert directory.services == {"information": "information"}
    assert directory.menu_services == {"1": "complaint"}
    assert config.menu_contexts() == ("1203-menu",)
    assert config.node[0].secret() == "drawn"
    assert "drawn" not in repr(config)


def test_keys_of_recordings_come_from_the_environment_and_are_never_shown(file, monkeypatch):
    assert load_config(file(PLAIN)).recordings.in_force == ""
    monkeypatch.setenv("HOTLINE_RECORDINGS__KEYS__2026A", KEY)
    section = load_config(file(PLAIN)).recordings
    assert (section.in_force, section.bytes_by_name()) == ("2026a", {"2026a": bytes(32)})
    monkeypatch.setenv("HOTLINE_RECORDINGS__KEYS__2027", KEY[::-1].replace("=", "") + "=")
    monkeypatch.setenv("HOTLINE_RECORDINGS__KEY", "2027")
    config = load_config(file(PLAIN))
    assert config.recordings.in_force == "2027"
    assert KEY not in repr(config)


def test_the_environment_stands_over_the_file(file, monkeypatch):
    monkeypatch.setenv("HOTLINE_WEB__PORT", "9000")
    monkeypatch.setenv("HOTLINE_NODE__AMI_SECRET", "from outside")
    monkeypatch.setenv("HOTLINE_NODE__1__AMI_SECRET", "second")
    monkeypatch.setenv("HOTLINE_NODE__1__NAME", "pbx2")
    monkeypatch.setenv("HOTLINE_LINE__NUMBERS", '["1203", "021203"]')
    config = load_config(file(PLAIN))
    assert config.web.port == 9000
    assert [(n.name, n.secret()) for n in config.node] == [
        ("pbx1", "from outside"),
        ("pbx2", "second"),
    ]
    assert config.line.numbers == ["1203", "021203"]


def test_folders_lie_beside_the_file_wherever_it_is_read_from(file, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = file(PLAIN + '[messages]\nfolder = "texts"\n[desk]\ndata_dir = "/srv/files"\n')
    found = load_config(path)
    assert found.messages.folder == path.parent / "texts"
    assert found.mail.folder == path.parent / "outbox"
    assert found.desk.data_dir == Path("/srv/files")
    inside = path.relative_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_config(inside).messages.folder == path.parent / "texts"


def test_a_secret_may_stand_in_a_file(file, tmp_path):
    secret = tmp_path / "ami.secret"
    secret.write_text("in a file\n")
    config = load_config(file(f'[[node]]\nami_secret_file = "{secret}"\n'))
    assert config.node[0].secret() == "in a file"
    secret.unlink()
    with pytest.raises(ConfigMistake, match=r"node\.ami_secret_file"):
        config.node[0].secret()


@pytest.mark.parametrize(
    ("text", "names", "mend"),
    [
        ("[web]\nport = 70000", "web.port", "correct"),
        ("[web]\nprot = 1", "web.prot", "spelling"),
        ('[queue.x]\nservice = "info"', "queue.x.service", "one of the values"),
        ("[queue.x]", "queue.x.service", "add it"),
        ("[[node]]\nname = 'x'", "no secret", "correct"),
        ("[menu]\nab = 'complaint'", "'ab' is no telephone key", "correct"),
        ("[nonsense]\nx = 1", "nonsense", "no such key"),
        ("[line]\nnumbers = 1203", "line.numbers", "list"),
        ("[recordings]\nkeys = {a = 'AAAA'}", "not 32 bytes", "openssl rand"),
        ("[recordings]\nkeys = {'A/b' = 'AAAA'}", "a name is", "correct"),
        (f"[recordings]\nkeys = {{a = '{KEY}', b = '{KEY}'}}", "recordings.key", "correct"),
        (f"[recordings]\nkey = 'b'\nkeys = {{a = '{KEY}'}}", "no key 'b'", "correct"),
        (
            "[[node]]\nname = 'a'\nami_secret = 'x'\n[[node]]\nname = 'a'\nami_secret = 'x'",
            "same name",
            "correct",
        ),
    ],
)
def test_a_mistake_names_the_key_and_the_mend(file, text, names, mend):
    with pytest.raises(ConfigMistake) as raised:
        load_config(file(text))
    assert names in str(raised.value)
    assert mend in str(raised.value)


def test_what_is_no_toml_names_the_line(file):
    with pytest.raises(ConfigMistake, match="line 2"):
        load_config(file("[web]\nport = = 1"))
    with pytest.raises(ConfigMistake, match="no such file"):
        load_config(Path("nowhere.toml"))


@pytest.mark.parametrize(
    "template",
    [
        "javascript:alert(1)", "//crm.example/{e164}", "https://{name}/x", "https://a{e164}.th/",
        "https://user@crm.example/", "https://crm.example/?tel={phone}", "https://crm.example/ x",
        "data:text/html,{name}", "https:///x",
    ],
)  # fmt: skip
def test_a_url_pop_that_could_lead_elsewhere_is_a_mistake(template):
    with pytest.raises(ValidationError, match="url_pop"):
        rooms.DeskSection(url_pop=template)


def test_a_url_pop_with_known_fields_is_taken():
    for template in ("", "https://crm.example/?tel={e164}&call={call_id}&who={name}"):
        assert rooms.DeskSection(url_pop=template).url_pop == template


def test_calls_back_need_the_line_that_takes_the_wishes(file):
    with pytest.raises(ConfigMistake, match="callback: needs"):
        load_config(file("[callback]\n"))
    assert load_config(file("[callback]\n[selfservice]\n")).callback == CallbackSection()
