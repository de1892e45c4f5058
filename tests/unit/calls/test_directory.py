import pytest

from ivr.calls.directory import Agency, Directory, interface_of


@pytest.mark.parametrize(
    ("channel", "interface"),
    [
        ("PJSIP/1001-0000002a", "PJSIP/1001"),
        ("PJSIP/moc-carrier-0000002a", "PJSIP/moc-carrier"),
        ("Local/1009@agent-local-0000002a;2", "Local/1009@agent-local"),
        ("PJSIP/1001-0000002a<ZOMBIE>", "PJSIP/1001"),
        ("CBAnn/6100", "CBAnn/6100"),
    ],
)
def test_interface_of_a_channel(channel, interface):
    assert interface_of(channel) == interface


@pytest.mark.parametrize(
    ("interface", "agent"),
    [
        ("PJSIP/1001", "1001"),
        ("PJSIP/1008a", "1008"),
        ("PJSIP/1001-mobile", "1001"),
        ("PJSIP/1001_2", "1001"),
        ("PJSIP/2001", None),
        ("PJSIP/moc-trunk", None),
        ("SIP/1001", None),
        ("PJSIP/", None),
    ],
)
def test_agent_of_an_interface_is_the_part_after_the_slash_device_off(interface, agent):
    directory = Directory(agent_patterns=("PJSIP/1[0-9][0-9][0-9]",))
    assert directory.agent(interface) == agent
    assert directory.agent(interface) == agent


def test_agent_patterns_may_name_devices():
    directory = Directory(agent_patterns=("SIP/desk-*",))
    assert directory.agent("SIP/desk-7") == "desk-7"


def test_agency_by_number_then_by_interface():
    directory = Directory(
        agencies=(Agency("dit", numbers=("2001",), interfaces=("PJSIP/dit-*",)), Agency("dbd"))
    )
    assert directory.agency("2001") == "dit"
    assert directory.agency(None, "PJSIP/dit-7") == "dit"
    assert directory.agency(None, "PJSIP/2001") == "dit"
    assert directory.agency("2002", "PJSIP/2002") is None
    assert directory.agency(None) is None


def test_only_the_numbers_in_the_entry_contexts_are_callers():
    directory = Directory(numbers=frozenset({"1203"}), entry_contexts=frozenset({"from-trunk"}))
    assert directory.is_hotline("from-trunk", "1203")
    assert not directory.is_hotline("agents", "1203")
    assert not directory.is_hotline("from-trunk", "s")
    assert not directory.is_hotline(None, None)
