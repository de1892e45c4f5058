"""What must be there in Request Tracker before the first call arrives, and what REST2 can make.

REST2 makes a custom field and applies one for tickets to a queue; it applies none to users, gives
no rights and makes no groups. `initialdata.pl` beside this file holds all of it for RT's own tool.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crm_bridge.connectors.mapping import Custom
from crm_bridge.connectors.port import ConnectorError, Denied, Kind, Rejected, SetupStep
from crm_bridge.connectors.rt.client import RtClient
from crm_bridge.connectors.rt.fields import custom_name

INITIALDATA: Final = Path(__file__).with_name("initialdata.pl")
"""Queue, user, groups, custom fields and rights, as RT's own tool reads them."""

_ON_TICKETS: Final = "RT::Queue-RT::Ticket"
_ON_USERS: Final = "RT::User"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the mapping says of the place where our records go."""

    queue: str
    key: str
    phone: str
    custom: tuple[Custom, ...] = ()

    def on(self, kind: Kind) -> dict[str, str]:
        """Custom fields of that kind of record → what they are for, in English."""
        own = {self.key: "Which record of hotline 1203 this is"}
        if kind is Kind.CONTACT:
            own[self.phone] = "Telephone numbers, tel:+66…, one each"
        given = {custom_name(c.name) or c.name: c.label[1] for c in self.custom if c.of is kind}
        return own | given


async def set_up(rt: RtClient, setting: Setting) -> list[SetupStep]:
    """Makes what can be made, and says of each thing where it stands."""
    steps = [await _login(rt)]
    try:
        there = await rt.queue_fields(setting.queue)
    except (Denied, Rejected):
        return [*steps, _no_queue(setting), *(await _user_steps(rt, setting))]
    steps.append(SetupStep(f"queue {setting.queue}", "there"))
    for name, what in setting.on(Kind.TICKET).items():
        label = f"custom field {name} on tickets"
        if name in there:
            steps.append(SetupStep(label, "there"))
        elif await _made(rt, name, what, setting.queue):
            now = await rt.queue_fields(setting.queue)
            steps.append(SetupStep(label, "made") if name in now else _apply(label, setting.queue))
        else:
            steps.append(_apply(label, setting.queue))
    return [*steps, *(await _user_steps(rt, setting))]


async def _login(rt: RtClient) -> SetupStep:
    user = await rt.own()
    if user is not None and user.text("Privileged") == "1" and user.text("Disabled") == "0":
        return SetupStep("login and rights on users", "there")
    return SetupStep(
        "login and rights on users",
        "by_hand",
        (
            "โทเคนต้องเป็นของผู้ใช้ที่มีสิทธิ AdminUsers (ดูกลุ่ม Hotline 1203 bridge ใน initialdata.pl)",
            "the token must belong to a privileged user with the right AdminUsers (the group "
            f"`Hotline 1203 bridge` of {INITIALDATA} has every right that is needed)",
        ),
    )


async def _user_steps(rt: RtClient, setting: Setting) -> list[SetupStep]:
    own = await rt.own()
    there = own.custom if own is not None else {}
    one, many = "Enter one value", "Enter multiple values"
    steps = []
    for name, what in setting.on(Kind.CONTACT).items():
        label = f"custom field {name} on users"
        if name in there:
            steps.append(SetupStep(label, "there"))
            continue
        known = [of for found, of in await rt.custom_fields(name) if found == name]
        if _ON_USERS not in known:
            await _made(rt, name, what, None, many=name == setting.phone)
        steps.append(
            SetupStep(
                label,
                "by_hand",
                (
                    f"ผู้ดูแล RT: Admin → Custom Fields ทำเครื่องหมายที่ {name} (Users) ในหน้า Applies to "
                    "และให้กลุ่มของโทเคนมีสิทธิ SeeCustomField และ ModifyCustomField",
                    f"in RT: Admin → Custom Fields → {name} (for Users; if it is not there, create "
                    f"it, “{many if name == setting.phone else one}”) → Applies to → Globally; "
                    "then Group Rights → the token's group: SeeCustomField and ModifyCustomField",
                ),
            )
        )
    return steps


async def _made(rt: RtClient, name: str, what: str, queue: str | None, many: bool = False) -> bool:
    """Whether RT let us make the field."""
    body: dict[str, object] = {
        "Name": name,
        "Description": what,
        "Type": "Freeform",
        "MaxValues": 0 if many else 1,
        "LookupType": _ON_USERS if queue is None else _ON_TICKETS,
    }
    if queue is not None:
        body["Queue"] = queue
    try:
        await rt.create_custom_field(body)
    except ConnectorError as error:
        if isinstance(error, Denied | Rejected):
            return False
        raise
    return True


def _apply(label: str, queue: str) -> SetupStep:
    return SetupStep(
        label,
        "by_hand",
        (
            f"ผู้ดูแล RT: Admin → Custom Fields สร้างช่องนี้ (Tickets, ค่าเดียว) ทำเครื่องหมายที่คิว {queue} "
            "และให้กลุ่มของโทเคนมีสิทธิ SeeCustomField และ ModifyCustomField "
            f"หรือให้เครื่องมือของ RT อ่านไฟล์ {INITIALDATA.name}",
            "in RT: Admin → Custom Fields: create it (for Tickets, “Enter one value”) → Applies to "
            f"→ {queue}; then Group Rights → the token's group: SeeCustomField and "
            f"ModifyCustomField. Or let RT's own tool read {INITIALDATA}",
        ),
    )


def _no_queue(setting: Setting) -> SetupStep:
    return SetupStep(
        f"queue {setting.queue}",
        "by_hand",
        (
            f"ผู้ดูแล RT: สร้างคิว {setting.queue} หรือแก้ชื่อคิวใน [options] ของไฟล์จับคู่ และให้สิทธิ SeeQueue "
            "แก่กลุ่มของโทเคน แล้วสั่งใหม่",
            f"in RT: create the queue {setting.queue} (or name another in [options] queue of the "
            "mapping), and give the token's group SeeQueue there; then run this again",
        ),
    )
