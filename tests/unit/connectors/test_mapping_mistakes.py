"""Mistakes in a mapping file: found when it is read, with the file, the key and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_bridge.connectors.mapping import load
from crm_bridge.errors import ConfigMistake
from tests.unit.connectors.test_mapping import EMPTY, HEAD, STATUSES


def mistake(tmp_path: Path, text: str) -> str:
    path = tmp_path / "office.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigMistake) as caught:
        load(path, "memory")
    assert caught.value.where == str(path)
    assert caught.value.mend
    return str(caught.value).replace(str(path), "office.toml")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ cal.number }}", "[call] x: `cal` is not known here; did you mean `call`?"),
        ("{{ call.numbre }}", "[call] x: there is no `call.numbre`; did you mean `number`?"),
        ("{{ wrapup.summary }}", "[call] x: `wrapup` is not known here; there is: call, contact"),
        # where neither sample comes: both branches are looked up
        ("{% if call.dialled == 'x' %}{{ call.nmae }}{% endif %}", "there is no `call.nmae`"),
        ("{% if call.dialled == 'x' %}{{ call.name | phon }}{% endif %}", "did you mean `phone`?"),
        ("{% if call.dialled == 'x' %}{{ call.name is numbr }}{% endif %}", "no test `numbr`"),
        ("{% for s in call.steps %}{{ s.nam }}{% endfor %}", "there is no `StepFacts.nam`"),
        ("{{ contact['nmae'] }}", "there is no `contact.nmae`"),
        ("{{ call.name", "[call] x: is no template"),
        ("{{ call.service_name }}", "would write a list or a pair"),
        ("{{ call.officers }}", "`| join(', ')`"),
        ("{{ call.name | moment }}", "`moment` wants a moment"),
        ("{{ call.number | th }}", "`th` wants a word in two languages"),
        ("{{ call.talk_seconds + 1 }}", "cannot be worked out: TypeError"),
        ("{{ call.name ~ call.number }}", "instead of `~` write {{ }}{{ }}"),
        ("{% include 'x' %}", "a part of Jinja that mappings have not"),
        ("{% set call = 1 %}", "`call` cannot be set"),
        ("{{ call.__class__ }}", "there is no `call.__class__`"),
        ("{{ call.name | tojson }}", "there is no filter `tojson`"),
    ],
)
def test_a_template_that_would_fail_is_found_at_start(
    tmp_path: Path, template: str, told: str
) -> None:
    said = mistake(tmp_path, f"[call]\nx = '''{template}'''\n{EMPTY}")
    assert told in said
    assert said.count("office.toml") == 1


def test_one_thing_missing_in_an_else_whole_call_is_tried(tmp_path: Path) -> None:
    text = "{{ (call.talk_seconds / call.total_seconds) | round if call.talk_seconds }}"
    assert "cannot be worked out" in mistake(tmp_path, f'[call]\nx = "{text}"\n{EMPTY}')


def test_a_type_that_a_template_does_not_make(tmp_path: Path) -> None:
    said = mistake(
        tmp_path, f'[call]\nx = {{ value = "{{{{ call.menu }}}} keys", type = "integer" }}\n{EMPTY}'
    )
    assert "[call] x: makes what is no integer; write digits alone" in said


def test_a_condition_that_is_none(tmp_path: Path) -> None:
    assert "[calls] which: is no template" in mistake(tmp_path, f'[calls]\nwhich = ""\n{EMPTY}')
    assert "[calls] which: cannot be worked out" in mistake(
        tmp_path, f'[calls]\nwhich = "call.talk_seconds > 3"\n{EMPTY}'
    )


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    said = mistake(tmp_path, f'[call]\nx = "{{{{ a }}}}"\n[case]\ny = "{{{{ b }}}}"\n{EMPTY}')
    assert "[call] x: `a`" in said
    assert "[case] y: `b`" in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[calll]\n{EMPTY}", "[calll]: extra inputs"),
        (f"[call]\nx = []\n{EMPTY}", "[call] x"),
        (f'[call]\nx = {{ valeu = "" }}\n{EMPTY}', "[call] x.valeu"),
        (f'[call]\nx = {{ value = "", type = "int" }}\n{EMPTY}', "'integer', 'number'"),
        (f'[notes]\nwrapup = ""\n[status]\n{STATUSES}', "[notes] case: field required"),
        (HEAD, "[status]: field required"),
        (EMPTY.replace('waiting = "waiting"\n', ""), "[status]: says nothing of waiting"),
        (EMPTY.replace('"waiting"', '""'), "[status] waiting"),
        (f'{EMPTY}onhold = "x"', "[status] onhold"),
        (f'{EMPTY}[status_back]\nx = "sleeping"', "[status_back] x"),
        (f'{EMPTY}[status_back]\nOpen = "new"', "Open is new, but [status] says open"),
        (f"[options]\nx = 1.5\n{EMPTY}", "[options] x"),
        (f'[[custom]]\nname = "x"\nof = "note"\n{EMPTY}', "[custom] 0.of"),
        ("[call", "is not TOML"),
        ('[call]\nx = "a"\nx = "b"\n', "is not TOML"),
    ],
)
def test_the_form_of_the_file(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistake(tmp_path, text)


def test_a_custom_field_twice(tmp_path: Path) -> None:
    one = '[[custom]]\nname = "x"\nof = "ticket"\nlabel_th = "ก"\nlabel_en = "a"\n'
    assert "has x twice" in mistake(tmp_path, one + one + EMPTY)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigMistake, match="cannot be read: No such file"):
        load(tmp_path / "gone.toml", "memory")


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_bytes("[call]\nx = 'สาย'".encode("tis-620"))
    with pytest.raises(ConfigMistake, match="is not TOML"):
        load(path, "memory")
