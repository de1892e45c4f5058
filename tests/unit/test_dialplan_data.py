"""The lists beside the dialplan: agencies and prompts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from ivr.lab import install
from ivr.lab.install import dialplan_directory, read_agencies
from ivr.lab.prompts import read_prompts
from ivr.prompts.catalogue import announceable
from ivr.selfservice import closed, door, place, status, text, wish

# What Asterisk itself plays for the applications we use.
CORE = re.compile(r"digits/.+|beep|beeperr|pbx-transfer|pbx-invalid|pbx-parkingfailed")


def test_the_departments_and_the_76_provinces():
    agencies = read_agencies()
    assert [a.id for a in agencies if a.kind != "province"] == [
        "dit", "dbd", "dip", "dft", "ditp", "dtn", "central",
    ]  # fmt: skip
    provinces = [a for a in agencies if a.kind == "province"]
    assert len(provinces) == 76
    assert {a.number for a in provinces} == {str(n) for n in range(3001, 3077)}
    assert {a.number for a in agencies} - {a.number for a in provinces} == {
        str(n) for n in range(2001, 2008)
    }
    assert not any("กรุงเทพ" in a.name_th for a in agencies)  # Bangkok has no provincial office
    for agency in provinces:
        assert agency.name_th == f"สำนักงานพาณิชย์จังหวัด{agency.province}"
        assert agency.name_en.endswith(" Provincial Commerce Office")


def test_ids_numbers_and_names_are_single():
    for attribute in ("id", "number", "name_th", "name_en"):
        counted = Counter(getattr(agency, attribute) for agency in read_agencies())
        assert [value for value, times in counted.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z0-9-]+", agency.id) for agency in read_agencies())


def test_every_prompt_that_is_played_is_listed_and_none_else():
    played = {
        name
        for path in dialplan_directory().glob("*.conf")
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith(";")
        for name in re.findall(r"hotline/[a-z-]+", line)
    }
    for talk in (status, closed, door, place, wish, text, install):
        told = Path(talk.__file__).read_text(encoding="utf-8")
        played |= set(re.findall(r'"(hotline/[a-z-]+)"', told))
    played |= {prompt.id for prompt in announceable()}
    played.add("hotline/guide-text")  # by a site's own menus
    played |= {*status.STATES.values(), *status.ACTS.values(), *closed.REASONS.values()}
    listed = {prompt.id for prompt in read_prompts(dialplan_directory())}
    assert {name for name in listed if not CORE.fullmatch(name)} == played


def test_every_prompt_has_both_texts_and_a_state():
    prompts = read_prompts(dialplan_directory())
    assert len({prompt.id for prompt in prompts}) == len(prompts)
    for prompt in prompts:
        assert prompt.thai, prompt.id
        assert prompt.english, prompt.id
        assert prompt.state in ("placeholder", "recorded")
        if prompt.state == "recorded":
            for language in ("th", "en"):
                assert (dialplan_directory() / "sounds" / language / f"{prompt.id}.wav").exists()
