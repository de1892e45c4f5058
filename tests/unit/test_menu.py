"""The menus as data: what is rendered, and each thing that can be wrong named by line and mend."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ivr.lab.install import dialplan_directory, install, menu_conf, read_menu
from ivr.lab.site import InstallError
from ivr.menu.checking import ENTERED, TAKEN, World, check
from ivr.menu.tree import Kind
from tests.support import dialplan
from tests.support.cli import Hotline

OURS = (dialplan_directory() / "menu.toml").read_text(encoding="utf-8")
QUEUES = ("complaint", "information", "appointment", "market_information")


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.fixture
def found(tmp_path):
    """The faults of a text, as (line, what, mend)."""

    def faults(text):
        path = tmp_path / "menu.toml"
        path.write_text(text, encoding="utf-8")
        return [(fault.line, fault.what, fault.mend) for fault in read_menu(path)[1]]

    return faults


def test_the_file_in_the_tree_is_what_the_data_renders():
    there = (dialplan_directory() / "menu.conf").read_text(encoding="utf-8")
    assert there == menu_conf(dialplan_directory() / "menu.toml"), "hotline menu render"


def test_our_menus_are_without_fault(found):
    assert found(OURS) == []


def test_callers_begin_where_nothing_is_read_and_nobody_is_led_by_name(found):
    reads = OURS.replace("[menu.main]\n", '[menu.main]\nreads = ["hotline/guide-1"]\n')
    assert "reads information" in " ".join(what for _, what, _ in found(reads))
    begins = OURS.replace('start = "main"', 'start = "guide"')
    assert "callers begin at the menu guide" in [what for _, what, _ in found(begins)]


TEXT = '"2" = { to = "text", says = "hotline/guide-text", th = "ก", en = "By text message" }\n'


def test_the_guide_may_offer_its_address_by_text_message(found, tmp_path):
    text = OURS.replace("[menu.guide.keys]\n", f"[menu.guide.keys]\n{TEXT}")
    assert found(text) == []
    rendered = menu_conf(tmp_path / "menu.toml")
    assert (
        "exten => 2,1,Gosub(mark,s,1(key,guide:${EXTEN}))\n same => n,Goto(1203-text,s,1)"
        in rendered
    )
    assert "hotline/guide-text" in rendered
    elsewhere = TEXT.replace("2", "7").replace("hotline/guide-text", "hotline/menu-market")
    ((_, what, mend),) = found(OURS.replace("[menu.main.keys]\n", f"[menu.main.keys]\n{elsewhere}"))
    assert "text message" in what
    assert "menu guide" in mend


CHANGES = [
    # old, new, what is told, of which line (a part of the new text)
    ('to = "queue complaint"', 'to = "queue complaints"', "there is no queue 'complaints'", "x"),
    ('says = "hotline/menu-complaint"', 'says = "hotline/menu-x"', "there is no prompt", "x"),
    ('"1" = { to = "queue complaint"', '"12" = { to = "queue complaint"', "no telephone key", "x"),
    ('"2" = { to = "queue inf', '"1" = { to = "queue inf', "stands here twice", "x"),
    ('to = "menu guide"', 'to = "menu nowhere"', "there is no menu 'nowhere'", "x"),
    ('to = "status", service = "complaint"', 'to = "status"', "status has no service", "x"),
    ('service = "complaint"', 'service = "gossip"', "there is no service 'gossip'", "x"),
    ('to = "status"', 'to = "agency mars"', "there is no agency 'mars'", "x"),
    ('to = "status"', 'to = "moon"', "no such place", "x"),
    ('to = "status"', 'to = "queue"', "no such place", "x"),
    ('says = "hotline/menu-status"', 'sound = "a"', "sound is not known here", "x"),
    ('says = "hotline/menu-status", ', "", "nobody tells callers of key 4", "x"),
    ('th = "ร้องเรียน"', 'th = " "', "has no th", "x"),
    ('th = "ร้องเรียน"', r'th = "a\nexten => 1,1,Hangup()"', "line break", "x"),
    ('officer = "information"', 'officer = "nobody"', "there is no queue 'nobody'", "[menu.main]"),
    ('officer = "information"\n', "", "has no officer", "[menu.main]"),
    ('"hotline/guide-front"', '"hotline/guide-back"', "there is no prompt", "[menu.guide]"),
    ('start = "main"', 'start = "first"', "begin at the menu 'first'", "x"),
    ('start = "main"\n', 'begin = "main"\n', "begin is not known", "x"),
    ('slow = "hotline/menu-main-slow"', "", "a slow form or a key to it", "[menu.main]"),
    ('slow = "hotline/menu-main-slow"', 'slow = "hotline/x"', "there is no prompt", "[menu.main]"),
    ('slow = "hotline/guide-slow"', 'slow = "hotline/menu-main-slow"',
     "menu-main-slow does not say what hotline/guide-front says", "[menu.guide]"),
    ("[menu.guide]", "[menu.hours]", "menu.guide", "[menu.guide.keys]"),
    ("[menu.main]", "[menu.main", "is not TOML", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told", "where"), CHANGES, ids=[c[2] for c in CHANGES])
def test_what_is_wrong_is_told_by_its_line_with_the_mend(found, old, new, told, where):
    assert old in OURS
    text = OURS.replace(old, new, 1)
    faults = found(text)
    if told == "menu.guide":  # a table without its head: what it lacks is told there
        assert {what for _, what, _ in faults} >= {f"menu guide has no {n}" for n in ("th", "en")}
        return
    expected = (
        next(n for n, (a, b) in enumerate(zip(OURS.splitlines(), text.splitlines(), strict=False),
                                          1) if a != b)
        if where == "x" else line_of(text, where)
    )  # fmt: skip
    assert (expected, True) in [(line, told in what) for line, what, _ in faults], faults
    assert all(mend for _, _, mend in faults)


def menus(*tables):
    return 'start = "main"\n' + "\n".join(tables)


def menu(name, *keys, officer="information"):
    head = f'[menu.{name}]\nth = "{name}"\nen = "{name}"\nofficer = "{officer}"\n'
    return f"{head}[menu.{name}.keys]\n" + "\n".join(
        f'"{key}" = {{ to = "{to}", says = "hotline/x", th = "x", en = "x" }}'
        for key, to in (*keys, ("*", "again"), ("9", "language"))
    )


GUIDE = menu("guide", ("1", "queue information"))


def faults_of(text, length=10):
    world = World({"hotline/x": ("ก" * length, "x" * length)}, QUEUES, {"dit": "2001"})
    return [fault.what for fault in check(text, world)[1]]


def test_every_menu_is_reached_and_leads_to_an_end():
    main = menu("main", ("1", "menu guide"))
    assert faults_of(menus(main, GUIDE)) == []
    alone = menu("alone", ("1", "goodbye"))
    assert faults_of(menus(main, GUIDE, alone)) == ["no key leads to the menu alone"]
    round_and_round = [
        menu("main", ("1", "menu other"), ("2", "menu guide")),
        menu("other", ("1", "menu third")),
        menu("third", ("1", "menu other")),
    ]
    assert [what for what in faults_of(menus(*round_and_round, GUIDE)) if "dead end" in what] == [
        "the menu other is a dead end: no key leads out of the menus",
        "the menu third is a dead end: no key leads out of the menus",
    ]  # fmt: skip
    assert "there is no menu guide" in faults_of(menus(menu("main", ("1", "goodbye"))))


def test_depth_and_length_are_bounded():
    names = ("main", "one", "two", "three", "four")
    chain = [
        menu(name, ("1", f"menu {names[n + 1]}" if n + 1 < len(names) else "goodbye"),
             *([("2", "menu guide")] if n == 0 else []))
        for n, name in enumerate(names)
    ]  # fmt: skip
    assert faults_of(menus(*chain, GUIDE)) == ["the menu four is reached after 4 keys"]
    assert faults_of(menus(*chain[:3], menu("three", ("1", "goodbye")), GUIDE)) == []
    long = faults_of(menus(menu("main", ("1", "menu guide")), GUIDE), length=15 * 61)
    assert {what.split(" to tell")[0] for what in long} == {
        "the menu main takes 61 s", "the menu guide takes 61 s",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "to", "told"), [("*", "again", "again"), ("9", "language", "in the other language")]
)
def test_every_menu_can_be_heard_again_and_in_the_other_language(key, to, told):
    whole = menus(menu("main", ("1", "menu guide")), GUIDE)
    without = f'"{key}" = {{ to = "{to}"'
    mute = "\n".join(line for line in whole.splitlines() if not line.startswith(without))
    assert faults_of(mute) == [f"the menu {name} cannot be heard {told}" for name in (
        "main", "guide",
    )]  # fmt: skip


def test_no_name_is_taken_twice():
    for name in TAKEN:
        text = menus(menu("main", ("1", f"menu {name}"), ("2", "menu guide")), GUIDE,
                     menu(name, ("1", "goodbye")))  # fmt: skip
        assert faults_of(text) == [f"the name {name} is taken"]


@pytest.fixture
def own(tmp_path):
    """A site's own menus, with every kind of place a key can lead to."""
    text = OURS.replace(
        '"0" = { to = "queue information"',
        '"6" = { to = "menu more", says = "hotline/menu-market", th = "อื่น ๆ", en = "More" }\n'
        '"0" = { to = "queue information"', 1,
    ) + (
        '[menu.more]\nth = "อื่น ๆ"\nen = "More"\nofficer = "complaint"\n[menu.more.keys]\n'
        '"1" = { to = "agency dit", service = "complaint", says = "hotline/menu-complaint",'
        ' th = "กรมการค้าภายใน", en = "Internal Trade" }\n'
        '"2" = { to = "goodbye", says = "hotline/menu-status", th = "จบ", en = "End" }\n'
        '"3" = { to = "menu main", says = "hotline/menu-market", th = "กลับ", en = "Back" }\n'
        '"9" = { to = "language", says = "hotline/menu-language", th = "ภาษา", en = "Language" }\n'
        '"*" = { to = "again", says = "hotline/menu-repeat", th = "ฟังซ้ำ", en = "Again" }\n'
    )  # fmt: skip
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_site_s_own_menus_are_rendered_and_every_place_exists(tmp_path, own):
    site = replace(dialplan.site(tmp_path), menu=own)
    installed = install(tmp_path / "etc", site)
    text = (installed.config / "menu.conf").read_text(encoding="utf-8")
    assert text == menu_conf(own) == menu_conf(own)
    contexts = dialplan.read(installed.config)
    more = {(s.extension, s.arguments) for s in contexts["1203-more"].steps}
    assert {("1", "agency-numbers,2001,1"), ("2", "16"), ("3", "1203-menu,s,1"),
            ("officer", "queues,complaint,1")} <= more  # fmt: skip
    closed = '$["${HOTLINE_CLOSED}" != ""]?1203-hours,s,1'
    assert {e for e, arguments in more if arguments == closed} == {"1", "3", "officer"}
    for name in ("1203-menu", "1203-guide", "1203-more"):
        for step in contexts[name].steps:
            for context, extension, priority in dialplan.targets(name, step):
                there = [s for s in contexts[context].steps
                         if dialplan.pattern(s.extension).match(extension)]  # fmt: skip
                assert there, step.where
                assert priority == "1" or priority in {s.label for s in there}, step.where


def test_a_site_with_a_faulty_menu_is_refused_before_anything_is_written(tmp_path, own):
    text = own.read_text().replace("agency dit", "agency mars")
    own.write_text(text.replace("[menu.more]", "[menu.hours]"))
    site = replace(dialplan.site(tmp_path), menu=own)
    told = rf"menu: {re.escape(str(own))}:\d+: .*; .* more: hotline menu check"
    with pytest.raises(InstallError, match=told):
        install(tmp_path / "etc", site)
    with pytest.raises(InstallError, match="cannot be read"):
        install(tmp_path / "etc", replace(site, menu=tmp_path / "none.toml"))
    assert not (tmp_path / "etc").exists()


def test_the_command_checks_and_renders(tmp_path, own):
    hotline = Hotline(tmp_path / "hotline.db")
    said = hotline("menu", "check", own, "--lang", "en")
    assert (said.code, said.out) == (0, "3 menus, 20 keys: all well\n")
    assert hotline("menu", "render", own).out == menu_conf(own)
    assert hotline("menu", "render").out == menu_conf(dialplan_directory() / "menu.toml")
    own.write_text(own.read_text().replace("agency dit", "agency mars"))
    said = hotline("menu", "check", own, "--lang", "en")
    line = line_of(own.read_text(), "mars")
    assert said.code == 1
    assert said.lines[0].startswith(f"{own}:{line}: there is no agency 'mars'; it is one of: dit")
    assert said.lines[-1] == "1 to be mended"
    assert hotline("menu", "render", own).code == 2


def test_a_site_file_names_its_menus_beside_itself(tmp_path, own):
    hotline = Hotline(tmp_path / "hotline.db")
    site, to = tmp_path / "site.toml", tmp_path / "root" / "etc" / "asterisk"
    site.write_text(f'root = "{tmp_path}/root"\nmenu = "{own.name}"\n', encoding="utf-8")
    said = hotline("install", "--to", to, "--site", site)
    assert said.code == 0, said.err
    assert f'menu = "{own}"' in said.out
    assert (to / "menu.conf").read_text(encoding="utf-8") == menu_conf(own)
    own.write_text(own.read_text().replace("agency dit", "agency mars"))
    said = hotline("install", "--to", to, "--site", site)
    assert said.code == 2
    assert "there is no agency 'mars'" in said.err
    assert "1203-more" in (to / "menu.conf").read_text(encoding="utf-8")


def test_menus_and_names_that_the_rest_of_the_dialplan_needs():
    others = "".join(
        path.read_text(encoding="utf-8")
        for path in dialplan_directory().glob("*.conf")
        if path.name != "menu.conf"
    )
    there = set(re.findall(r"^\[1203-([a-z]+)\]", others, re.M))
    led = set(re.findall(r"Goto\(1203-([a-z]+),", others))
    assert led - there - {"menu"} == set(ENTERED)
    assert there | {"menu", "closed"} == set(TAKEN)
    assert {kind.value for kind in Kind} == {
        "queue", "menu", "agency", "status", "goodbye", "language", "again", "slower",
        "text",
    }  # fmt: skip
