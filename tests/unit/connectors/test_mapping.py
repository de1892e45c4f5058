"""Mappings: what a template makes of facts, and what stays text however it looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crm_bridge.connectors import mapping, samples
from crm_bridge.connectors.mapping import Mapping, load, typed
from crm_bridge.connectors.port import Kind, Rejected, Status, Value
from crm_bridge.connectors.templates import LONGEST, Template, TemplateMistake
from crm_bridge.errors import ConfigMistake
from tests.support.crms import facts

STATUSES = "\n".join(f'{status.value} = "{status.value}"' for status in Status)
HEAD = '[notes]\nwrapup = ""\ncase = ""\n'
EMPTY = f"{HEAD}[status]\n{STATUSES}\n"


def made(tmp_path: Path, text: str, rest: str = EMPTY) -> Mapping:
    path = tmp_path / "office.toml"
    path.write_text(f"{text}\n{rest}", encoding="utf-8")
    return load(path, "memory")


def call_field(tmp_path: Path, template: str, given: facts.Facts = facts.FULL.call) -> Value:
    quoted = template.replace("\\", "\\\\").replace('"', '\\"')
    return made(tmp_path, f'[call]\nx = "{quoted}"').call(given).get("x", "not sent")


@pytest.mark.parametrize(
    ("template", "full", "bare"),
    [
        ("{{ call.entered_at | moment }}", "24 พ.ย. 2569 13:05 น.", "24 พ.ย. 2569 13:06 น."),
        ("{{ call.ended_at | moment('en') }}", "24 Nov 2026 13:09", "not sent"),
        ("{{ call.ended_at | day }}", "24 พ.ย. 2569", "not sent"),
        ("{{ call.ended_at | iso }}", "2026-11-24T13:09:31+07:00", "not sent"),
        ("{{ call.ended_at | date }}", "2026-11-24", "not sent"),
        ("{{ call.talk_seconds | seconds }}", "0:03:51", "not sent"),
        ("{{ call.wait_seconds | round }}", "15", "not sent"),
        ("{{ call.wait_seconds | int }}", "14", "not sent"),
        ("{{ call.service_name | th }}", "ร้องเรียน", "not sent"),
        ("{{ call.service_name | en }}", "Complaint", "not sent"),
        ("{{ call.number | phone }}", "02 000 0000", "not sent"),
        ("{{ call.officers | join(', ') }}", "สมชาย เจ้าหน้าที่", "not sent"),
        ("{{ call.transfers | map('en') | join(', ') }}", "Department of Internal Trade",
         "not sent"),
        ("{{ contact.name | upper }}", "สมหญิง ตัวอย่าง", "not sent"),
        ("{{ contact.name | default('?') }}", "สมหญิง ตัวอย่าง", "?"),
        ("{{ contact.name.split(' ')[0] }}", "สมหญิง", "not sent"),
        ("{{ contact.name | cut(5) }}", "สมหญ…", "not sent"),
        ("{{ call.withheld }}", "false", "true"),
        ("{{ 'yes' if call.answered_at }}", "yes", "not sent"),
        ("{% for s in call.steps %}{{ s.name | en }};{% endfor %}",
         "Take the complaint;Record it;", "not sent"),
    ],
)  # fmt: skip
def test_templates_make_what_an_office_reads(
    tmp_path: Path, template: str, full: str, bare: str
) -> None:
    assert call_field(tmp_path, template) == full
    assert call_field(tmp_path, template, facts.BARE.call) == bare


def test_the_last_day_of_a_case_is_the_day_before_its_end(tmp_path: Path) -> None:
    # 9 December 2026, 00:00 in Bangkok: the case is due by the end of the 8th
    due = 1_796_749_200_000_000
    case = facts.FULL.case.case
    assert case is not None
    given = facts.Facts(case=replace(case, due_at=due))
    made_of = made(
        tmp_path,
        '[case]\nend = "{{ case.due_at | date }}"\nlast = "{{ case.due_at | before | date }}"',
    ).case(given)
    assert made_of == {"end": "2026-12-09", "last": "2026-12-08"}


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        ("integer", "231", 231),
        ("number", "14.5", 14.5),
        ("boolean", "True", True),
        ("boolean", "no", False),
        ("datetime", "1795500309123456", "2026-11-24T06:05:09Z"),
        ("datetime", "2026-11-24T13:05:09+07:00", "2026-11-24T06:05:09Z"),
        ("datetime", "2026-11-24 13:05", "2026-11-24T06:05:00Z"),
        ("date", "2026-11-24", "2026-11-24"),
        ("date", "1795539600000000", "2026-11-25"),  # 00:00 in Bangkok, the day before in UTC
        ("integer", "", None),
        ("boolean", "", None),
        ("text", "", None),
    ],
)
def test_a_value_has_the_type_its_field_wants(wanted: str, text: str, value: object) -> None:
    got = typed(text, wanted)  # type: ignore[arg-type]  # the parametrised type's name
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [("integer", "3 min"), ("number", "nan"), ("number", "inf"), ("boolean", "maybe"),
     ("datetime", "tomorrow"), ("datetime", "9" * 40), ("date", "24/11/2026")],
)  # fmt: skip
def test_what_is_of_another_type_is_no_value(wanted: str, text: str) -> None:
    with pytest.raises(TemplateMistake, match="makes what is no"):
        typed(text, wanted)  # type: ignore[arg-type]  # the parametrised type's name


def test_nothing_to_say_keeps_or_clears(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        '[call]\nkept = "{{ call.outcome }}"\n'
        'cleared = { value = "{{ call.outcome }}", empty = "clear" }\n'
        'number = { value = "{{ call.talk_seconds | round }}", type = "integer", empty = "clear" }',
    )
    assert found.call(facts.BARE.call) == {"cleared": None, "number": None}
    assert found.call(facts.FULL.call) == {"kept": "served", "cleared": "served", "number": 231}


def test_constants_go_as_they_are(tmp_path: Path) -> None:
    found = made(tmp_path, '[call]\na = 3\nb = true\nc = 1.5\nd = "Hotline 1203"')
    assert found.call(facts.BARE.call) == {"a": 3, "b": True, "c": 1.5, "d": "Hotline 1203"}


def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    given = facts.call("1.1", "+6620000009", facts.HOSTILE)
    # control characters go; braces, tags and quotes stay what they were
    expected = "{{ call.number }}{% for a in 'x' %}<b>\"';--&lt;[31m"
    assert call_field(tmp_path, "{{ call.name }}", given) == expected
    assert call_field(tmp_path, "{{ contact.name | line | cut(200) }}", given) == expected


def test_a_note_keeps_its_lines_and_may_be_nothing(tmp_path: Path) -> None:
    rest = (
        '[notes]\nwrapup = """\n{{ wrapup.officer }}\n{% if wrapup.follow_up_on %}\n'
        '{{ wrapup.follow_up_on | day }}\n{% endif %}\n{{ wrapup.summary | first_line }}\n"""\n'
        f'case = "{{{{ event.text }}}}"\n[status]\n{STATUSES}\n'
    )
    found = made(tmp_path, "", rest)
    assert found.wrapup_note(facts.FULL.wrapup) == (
        "สมชาย เจ้าหน้าที่\n27 พ.ย. 2569\nแจ้งราคาน้ำมันปาล์มไม่ตรงป้าย"
    )
    assert found.case_note(facts.BARE.event) == ""


def test_which_calls_are_told_is_a_condition(tmp_path: Path) -> None:
    found = made(tmp_path, "[calls]\nwhich = \"call.outcome not in ['short', 'failed']\"")
    served = facts.FULL.call.call
    assert served is not None
    assert found.wants_call(served)
    assert not found.wants_call(replace(served, outcome="short"))


def test_statuses_go_there_and_come_back() -> None:
    rest = {"new": "new", "open": "In Arbeit", "waiting": "stalled", "resolved": "done",
            "closed": "done", "cancelled": "rejected"}  # fmt: skip
    text = "\n".join(f'{ours} = "{theirs}"' for ours, theirs in rest.items())
    found = _written(f'{HEAD}[status]\n{text}\n[status_back]\nparked = "waiting"\n')
    assert found.native(Status.OPEN) == "In Arbeit"
    assert found.status("  in ARBEIT ") is Status.OPEN
    assert found.status("done") is Status.RESOLVED  # the earlier of two with one word
    assert found.status("Parked") is Status.WAITING
    assert found.status("deleted") is None


def test_status_back_decides_between_two_of_ours() -> None:
    text = STATUSES.replace('"closed"', '"done"').replace('"resolved"', '"done"')
    found = _written(f'{HEAD}[status]\n{text}\n[status_back]\ndone = "closed"\n')
    assert found.status("done") is Status.CLOSED


def _written(text: str) -> Mapping:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "office.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, "memory")


def test_custom_fields_and_lookups_are_told(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        "",
        f'[lookup]\nshow = ["company"]\n[[custom]]\nname = "x_call"\nof = "ticket"\n'
        f'label_th = "สาย"\nlabel_en = "Call"\n{EMPTY}',
    )
    assert found.lookup == ("company",)
    assert found.setup == (mapping.Custom("x_call", Kind.TICKET, "text", ("สาย", "Call")),)


def test_a_failure_on_real_facts_gives_up_and_tells_nothing_of_the_caller(tmp_path: Path) -> None:
    found = made(tmp_path, '[call]\nx = { value = "{{ call.menu }}", type = "integer" }')
    call = facts.FULL.call.call
    assert call is not None
    with pytest.raises(Rejected) as caught:
        found.call(facts.Facts(call=replace(call, menu="secret")))
    assert "office.toml: [call] x: makes what is no integer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_a_template_makes_has_an_end() -> None:
    template = Template("{% for a in call.name %}{{ call.name }}{% endfor %}", ("call",))
    with pytest.raises(TemplateMistake, match=f"more than {LONGEST:,}"):
        template.render({"call": facts.call("1.1", name="x" * 1000).call})


@pytest.mark.parametrize(
    "text", ["{{ call.name * 1000000000 }}", "{{ 9 ** 9 ** 9 }}", "{{ 'x'.zfill(1000000000) }}",
             "{{ '%1000000000d' % 1 }}", "{{ call.name.__class__.__mro__ }}",
             "{{ call.name.format.__globals__ }}"],
)  # fmt: skip
def test_the_sandbox_has_no_way_out(text: str) -> None:
    with pytest.raises(TemplateMistake):
        Template(text, ("call",)).render({"call": facts.FULL.call.call})


@pytest.mark.parametrize("kind", ["odoo", "roundup", "rt", "webhook"])
@pytest.mark.parametrize("number", ["+66812345678", None])
def test_every_default_mapping_says_that_a_call_back_is_wished(
    kind: str, number: str | None
) -> None:
    own = load(None, kind)
    call = facts.FULL.call.call
    assert call is not None
    wished = replace(call, call_back_asked_at=call.ended_at, call_back_number=number)
    plain, told = (own.call(facts.Facts(contact=None, call=one)) for one in (call, wished))
    more = str({name: value for name, value in told.items() if value != plain.get(name)})
    assert ("ขอให้โทรกลับ" in more) is (kind != "webhook")
    assert (number is not None) == ("081 234 5678" in more or "+66812345678" in more)
    if kind == "webhook":
        assert told["call_back_asked_at"] == plain["ended_at"]
        assert "call_back_asked_at" not in plain


@pytest.mark.parametrize("kind", ["memory"])
def test_the_connectors_own_mapping_is_sound(kind: str) -> None:
    found = load(None, kind)
    for sample in (samples.FULL, samples.BARE):
        assert found.contact(sample.contact)
        assert found.call(sample.call)
        assert found.case(sample.case)
        assert found.wrapup_note(sample.wrapup)
        assert found.case_note(sample.event)
    assert "None" not in repr([found.call(samples.BARE.call)["subject"]])


def test_options_are_the_connectors_with_the_offices_over_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'[options]\nqueue = "1203"\nretries = 3\n{EMPTY}', encoding="utf-8")
    monkeypatch.setattr(mapping, "default_path", lambda kind: own)
    found = made(tmp_path, '[options]\nqueue = "สายด่วน"')
    assert found.option("queue", "") == "สายด่วน"
    assert found.option("retries", 0) == 3
    with pytest.raises(ConfigMistake, match=r"\[options\] retries: is no text"):
        found.option("retries", "")
    with pytest.raises(ConfigMistake, match="no such option; there is: queue, retries"):
        made(tmp_path, '[options]\nqueu = "x"')
    with pytest.raises(ConfigMistake, match="retries: is no whole number; write it like 3"):
        made(tmp_path, '[options]\nretries = "3"')
