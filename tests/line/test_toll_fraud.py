"""Nobody who calls in gets out: every way to the carrier tried, by whoever the line speaks with.

What counts is what arrives at the carrier: an INVITE there is a call that the ministry pays for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from crm_bridge.desk.line import order_to_ring
from ivr.ami import actions
from ivr.ami.actions import Action
from ivr.lab import sip
from ivr.lab.address import address
from ivr.lab.asterisk import Lab
from ivr.lab.leg import Leg
from ivr.lab.root import Root
from ivr.lab.sipua import Identity, NotInTime, Phone
from ivr.lab.site import Agent, Device
from ivr.lab.stage import Stage, stage
from tests.support import dialplan
from tests.support.lab import own_lab

pytestmark = pytest.mark.line

GIVES_AWAY = {
    "DISA", "Originate", "Transfer", "FollowMe", "Page", "ExternalIVR", "System", "TrySystem",
    "ForkCDR", "SIPSendCustomINFO", "ChanSpy", "ExtenSpy", "Exec", "ExecIf", "Dictate",
}  # fmt: skip
"""Applications by which a channel could place a call, run a program, or be asked to."""
ABROAD = "001441234567890"
NATIONAL = "0891234567"


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A site as open as one can be: every officer may call out and record prompts."""
    agents = (
        *(Agent(str(n), outbound=True, records_prompts=True) for n in (1001, 1002)),
        Agent("1008", devices=(Device("1008a"), Device("1008b")), outbound=True, via="devices"),
        Agent("1009", outbound=True, via="local"),
    )
    with own_lab(lab_root, tmp_path_factory, agents=agents, callback=True) as place:
        yield place


@dataclass
class House:
    """The stage, the carrier, and what arrived at it: each an INVITE that somebody pays for."""

    stage: Stage
    carrier: Phone
    paid: list[str]

    async def nothing_paid(self) -> None:
        await self.stage.quiet()
        assert self.paid == []


@pytest.fixture
async def house(lab: Lab) -> AsyncIterator[House]:
    async with stage(lab) as place:
        carrier = await place.carrier()
        made = House(place, carrier, [])

        def pays(leg: Leg) -> None:
            assert leg.offer is not None
            made.paid.append(leg.offer.start)
            leg.reject(486)

        carrier.on_call = pays
        yield made
        await lab.cli("channel request hangup all")
        await place.quiet()


def forward(leg: Leg, contact: str, *more: tuple[str, str]) -> None:
    """Answers a call as a telephone that is told to forward it (302)."""
    assert leg.offer is not None
    answer = sip.response(leg.offer, 302, tag=leg._tag)
    answer.headers += [("Contact", contact), *more]
    leg.phone.reply(leg.offer, answer)
    leg.drop()


async def test_who_may_call_out_can(house: House) -> None:
    """Without this the rest would prove nothing."""
    officer = await house.stage.officer(1001)
    leg = await officer.call(NATIONAL)
    await leg.ended()
    assert [NATIONAL in one for one in house.paid] == [True]


ASKED = {"from-agency", "agents", "agents-recording", "transfer", "forwarded", "queue-keys"}
"""Where callers, transferred callers and telephones without the permission run."""
DIALS = r"\$\{AGENT_\$\{[A-Z0-9]+\}\}|\$\{ARG2\}|Local/\$\{OFFICER\}@agent-local/n"
"""All that is dialled there: officers, agencies (ARG2 of `agency`), who knows the caller."""


async def test_the_dialplan_that_runs_leads_no_caller_to_the_carrier(house: House) -> None:
    """Every include, Goto, Gosub, Local channel and subroutine, from every place to begin in."""
    lab, witness = house.stage.lab, house.stage.witness
    since = witness.mark()
    await witness.act("ShowDialplan")
    await witness.seen("its end", lambda e: e.get("Event") == "ShowDialPlanComplete", since=since)
    contexts = dialplan.loaded(witness.events[since:])
    assert {"from-trunk", "1203-menu", "queues", "outbound", "kept-called"} <= set(contexts)
    config = "".join(path.read_text("utf-8") for path in lab.etc.glob("*.conf"))
    given = set(re.findall(r"^(?:context|comebackcontext) = ([\w-]+)", config, re.M))
    given |= set(re.findall(r"(?:TRANSFER|FORWARD)_CONTEXT=([\w-]+)", config))
    may_call_out = {name for name in given if name.startswith("agents-outbound")}
    starts = (given | ASKED) - may_call_out
    assert {"from-trunk", "parking-timeout", "queue-keys", "transfer"} <= starts
    for start in starts:
        reached = dialplan.reachable(contexts, start)
        assert not reached & {
            "outbound", "called-back", "kept-party", "desk-callback", "desk-ring",
        }, start  # fmt: skip
        for name in reached:
            for step in contexts[name].steps if name in contexts else ():
                assert step.application not in GIVES_AWAY, step.where
                if step.application == "Dial":
                    target = dialplan.split(step.arguments)[0]
                    assert re.fullmatch(DIALS, target), (step.where, target)
    for step in contexts["agency-numbers"].steps:  # what ARG2 is
        assert re.fullmatch(r"agency,s,1\([a-z_-]+,PJSIP/[0-9]{4}(@agencies)?\)", step.arguments)
    officers = re.findall(r"^AGENT_[0-9]+ = (.*)$", config, re.M)
    assert officers
    assert all(re.fullmatch(r"PJSIP/1[0-9]{3}[a-z]?(&PJSIP/1[0-9]{3}[a-z]?)*", o) for o in officers)


def forwards(lab: Lab) -> list[str]:
    """Contacts of a 302, plain first: Asterisk takes the user part for a number or a channel."""
    crafted = (
        f"PJSIP/{NATIONAL}@trunk",
        f"PJSIP/1001/sip:{NATIONAL}@{lab.carrier}",
        f"Local/{NATIONAL}@outbound",
        f"{NATIONAL}@outbound",
    )
    return [
        f"<sip:{NATIONAL}@{lab.server}>",
        f"<sip:{NATIONAL}@{lab.carrier}>",
        *(f"<sip:{quote(user, safe='')}@{lab.server}>" for user in crafted),
    ]


class Forwarding:
    """A telephone that answers each call by forwarding it somewhere else than before."""

    def __init__(self, phone: Phone, contacts: list[str]) -> None:
        self._left = list(contacts)
        self.all_tried = asyncio.Event()
        phone.on_call = self._on_call

    def _on_call(self, leg: Leg) -> None:
        if self._left:
            forward(leg, self._left.pop(0))
        else:
            leg.reject(486)
            self.all_tried.set()


@pytest.mark.parametrize("who", [1001, 1009, "1008a"])
async def test_an_officers_telephone_that_forwards_leads_no_caller_out(
    house: House, who: int | str
) -> None:
    phone = Forwarding(await house.stage.officer(who), forwards(house.stage.lab))
    caller = await house.stage.ask("information")  # the queue rings him again and again
    await asyncio.wait_for(phone.all_tried.wait(), 30)
    caller.hang_up()
    await house.nothing_paid()


async def test_an_agencys_telephone_that_forwards_leads_nobody_out(house: House) -> None:
    contacts = forwards(house.stage.lab)
    phone = Forwarding(await house.stage.agency(2001), contacts)
    officer = await house.stage.officer(1002)
    for _ in range(len(contacts) + 1):
        await (await officer.call("2001")).ended()
    assert phone.all_tried.is_set()
    await house.nothing_paid()


async def ordered(house: House, phone: Forwarding, orders: Iterable[Action]) -> None:
    for order in orders:
        headers = {name: value for name, value in order.items() if name != "ActionID"}
        await house.stage.witness.act(headers.pop("Action"), **headers)
        await house.stage.quiet()
    await asyncio.wait_for(phone.all_tried.wait(), 15)


async def test_an_originate_of_a_telephone_follows_it_out(house: House) -> None:
    """Without this the next would prove nothing: so Asterisk is, and the bridge orders none."""
    contacts = forwards(house.stage.lab)
    phone = Forwarding(await house.stage.officer(1001), contacts)
    order = actions.originate(
        "", "PJSIP/1001", "desk-callback", NATIONAL, caller_id="1203", milliseconds=5000,
        variables={},
    )  # fmt: skip
    await ordered(house, phone, [order] * (len(contacts) + 1))
    assert house.paid != []


@pytest.mark.parametrize("who", ["1001", "1008"])
@pytest.mark.parametrize("to", [NATIONAL, "listen"])
async def test_an_order_of_the_desk_is_forwarded_nowhere(house: House, who: str, to: str) -> None:
    """A call back, and a supervisor's telephone: the desk rings each through `desk-ring`."""
    contacts = forwards(house.stage.lab)
    phone = Forwarding(await house.stage.officer("1008a" if who == "1008" else who), contacts)
    order = order_to_ring(who, to, "1203", 5, {"HOTLINE_FOR": "", "HOTLINE_SPIED": "1.1"})
    await ordered(house, phone, [order] * (len(contacts) + 1))
    await house.nothing_paid()


GUESSES = [
    NATIONAL, ABROAD, "+66891234567", "66891234567", "9" + NATIONAL, "0", "00", "191",
    "1001", "1008a", "2001", "6001", "6100", "700", "701", "*8", "*81001", "*771", "*772", "#1",
    "s", "h", "i", "t", "T", "e", "a", "o", "outbound", "desk-callback", "called-back",
    f"{NATIONAL}@outbound", f"Local/{NATIONAL}@outbound", f"PJSIP/{NATIONAL}@trunk",
    f"1203&PJSIP/{NATIONAL}@trunk", "1203,1", "1203;phone-context=+66", "1203@evil.example",
    f"1203|{NATIONAL}", "${EXTEN}", "${SHELL(id)}", f"${{DIAL(PJSIP/{NATIONAL}@trunk)}}",
    "12030", "01203", "0212030891234567", "1203" + "0" * 200,
]  # fmt: skip


async def test_a_caller_dials_the_hotline_and_nothing_else(house: House) -> None:
    answered = []
    for number in GUESSES:
        leg = await house.carrier.call(quote(number, safe="+"), Identity("0812345678"))
        await leg.until("refused", lambda one: one.state in {"up", "ended"})
        if leg.state == "up":
            answered.append(number)
            leg.hang_up()
    # what follows a semicolon are options of the number, and the number is the hotline's own
    assert set(answered) <= {"1203;phone-context=+66"}
    await house.nothing_paid()


async def test_headers_that_promise_a_way_out_are_no_way_out(house: House) -> None:
    server, carrier = house.stage.lab.server, house.stage.lab.carrier
    for name, value in (
        ("Diversion", f"<sip:{NATIONAL}@{server}>;reason=unconditional"),
        ("P-Asserted-Identity", f'"1001" <sip:1001@{server}>'),
        ("Remote-Party-ID", f"<sip:1001@{server}>;party=calling;privacy=off"),
        ("History-Info", f"<sip:{NATIONAL}@{server}>;index=1"),
        ("Referred-By", f"<sip:1001@{server}>"),
        ("Route", f"<sip:{NATIONAL}@{carrier};lr>"),
        ("X-Context", "outbound"),
        ("Call-Info", f"<sip:{NATIONAL}@{server}>;answer-after=0"),
        ("Replaces", "1;to-tag=2;from-tag=3"),
        ("Refer-To", f"<sip:{NATIONAL}@{carrier}>"),
    ):
        leg = Leg.outgoing(house.carrier, "1203", Identity("1001", "1001"))
        house.carrier.legs.append(leg)
        await leg.media.open()
        leg._transact("INVITE", leg.media.description(), [(name, value)], leg._invited)
        await leg.until("answered or refused", lambda one: one.state in {"up", "ended"})
        leg.hang_up()
    await house.nothing_paid()


KEYS = "0123456789*#"
CODES = (f"#1{NATIONAL}", f"*2{NATIONAL}", "*1", "*8", "#72", "*3", "A1", "A2")


async def test_no_key_of_a_caller_leads_out(house: House) -> None:
    """In the menu, in a queue, and while he speaks with an officer who may call out himself."""
    stage = house.stage
    since = stage.witness.mark()
    caller = await stage.dial()
    await stage.menu(since=since)
    await caller.press(f"#1{NATIONAL}", gap=0.02)
    caller.hang_up()
    await stage.quiet()
    caller = await stage.queued("complaint")
    for code in (*CODES[:4], KEYS):
        await caller.press(code, gap=0.02)
    caller.hang_up()
    await stage.quiet()
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer)
    for code in CODES:
        await caller.press(code, gap=0.02)
    await caller.press("#1", info=True)
    assert (caller.state, leg.state) == ("up", "up")
    caller.hang_up()
    await leg.ended()
    await house.nothing_paid()


async def test_a_caller_refers_nobody_and_is_referred_nowhere_outside(house: House) -> None:
    stage = house.stage
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer)
    for target in (NATIONAL, "1002", quote(f"PJSIP/{NATIONAL}@trunk", safe="")):
        caller.transfer = 0
        caller.refer(target)
        assert await caller.transferred() >= 400
    for target in (NATIONAL, ABROAD, quote(f"PJSIP/{NATIONAL}@trunk", safe=""), "*8", "*771"):
        leg.transfer = 0
        leg.refer(target)
        assert await leg.transferred() >= 400, target
    await leg.press(f"#1{NATIONAL}", gap=0.05)
    await asyncio.sleep(0.5)
    assert house.paid == []
    caller.hang_up()
    await stage.quiet()
    await house.nothing_paid()


async def test_who_is_not_known_is_not_let_in(house: House) -> None:
    """From an address that is nobody's: as an officer, as the carrier, as a stranger."""
    lab = house.stage.lab
    stranger = Phone("stranger", address(lab.number, 77), lab.server)
    await stranger.open()
    try:
        for name in (
            "1001",
            "trunk",
            "agencies",
            "2001",
            "anonymous",
            "",
            "admin",
            "transport-udp",
        ):
            for number in (NATIONAL, "1203", "1001"):
                leg = await stranger.call(number, Identity(name))
                try:
                    await leg.until("answered", lambda one: one.state in {"up", "ended"}, 1.5)
                    assert (leg.state, leg.refusal) == ("ended", 401), (name, number)
                except NotInTime:
                    pass  # not even answered: more than five such requests in five seconds are not
                leg.drop()
    finally:
        await stranger.close()
    await house.nothing_paid()
