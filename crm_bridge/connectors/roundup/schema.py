"""What must be in the tracker for us: the names of it, and whether it is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crm_bridge.connectors import samples
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import Kind, SetupStep, Status
from crm_bridge.connectors.roundup.client import RoundupClient
from crm_bridge.connectors.roundup.session import NoSuchProperty, NotThere

ADDITION: Final = Path(__file__).with_name("schema_addition.txt")
"""What an administrator adds to the end of the tracker's schema.py."""

MESSAGE: Final = "message"
"""The field of a mapping that is no property: a ticket's first message."""

_UTC: Final = frozenset({"0", "UTC", "Etc/UTC", "GMT"})


@dataclass(frozen=True, slots=True)
class Names:
    """Roundup's classes and properties, as the mapping's options have them."""

    contact: str
    ticket: str
    caller: str
    name: str
    phone: str
    other_phones: str
    key: str

    @classmethod
    def of(cls, mapping: Mapping) -> Names:
        """Those of a mapping; ConfigMistake where an option is no text."""
        return cls(
            contact=mapping.option("contact", "contact"),
            ticket=mapping.option("ticket", "issue"),
            caller=mapping.option("caller", "caller"),
            name=mapping.option("name", "name"),
            phone=mapping.option("phone", "phone"),
            other_phones=mapping.option("other_phones", "other_phones"),
            key=mapping.option("key", "hotline_key"),
        )

    @property
    def ours(self) -> frozenset[str]:
        """Properties without which nothing works."""
        return frozenset({self.caller, self.phone, self.other_phones, self.key})


class Schema:
    """Looks at a tracker's classes, statuses and user."""

    def __init__(self, client: RoundupClient, mapping: Mapping, names: Names, login: str) -> None:
        self._client = client
        self._mapping = mapping
        self._names = names
        self._login = login

    async def steps(self) -> Sequence[SetupStep]:
        """One step for each thing that must be there; what is missing says what to add."""
        names, mapping, full = self._names, self._mapping, samples.FULL
        contact = {names.name, names.phone, names.other_phones, names.key, *mapping.lookup}
        contact |= mapping.contact(full.contact).keys()
        ticket = {names.caller, names.key, "status", "messages"}
        ticket |= (mapping.call(full.call).keys() | mapping.case(full.case).keys()) - {MESSAGE}
        for custom in mapping.setup:
            (contact if custom.of is Kind.CONTACT else ticket).add(custom.name)
        steps = [await self._property(names.contact, each) for each in sorted(contact)]
        steps += [await self._property(names.ticket, each) for each in sorted(ticket)]
        return [*steps, *await self._statuses(), await self._time_zone()]

    async def _property(self, kind: str, name: str) -> SetupStep:
        what = f"{kind}.{name}"
        try:
            await self._client.find(kind, {"id": "0"}, (name,), act="look at the schema")
        except (NotThere, NoSuchProperty):
            addition = ADDITION.read_text("utf-8")
            if re.search(rf"\b{re.escape(name)}=", addition):
                return SetupStep(
                    what,
                    "by_hand",
                    (
                        f"เพิ่มข้อความนี้ต่อท้ายไฟล์ schema.py ของ tracker แล้วเริ่ม Roundup ใหม่:\n{addition}",
                        f"Add this to the end of the tracker's schema.py and restart:\n{addition}",
                    ),
                )
            line = f"{kind}.addprop({name}=String())"
            return SetupStep(
                what,
                "by_hand",
                (
                    f"เพิ่มบรรทัดนี้ต่อท้ายไฟล์ schema.py ของ tracker แล้วเริ่ม Roundup ใหม่: {line}",
                    f"Add this line to the end of the tracker's schema.py and restart: {line}",
                ),
            )
        return SetupStep(what, "there")

    async def _statuses(self) -> list[SetupStep]:
        found, _ = await self._client.find(
            "status", {}, ("name",), act="look at the statuses", most=1000
        )
        there = {str(item.values.get("name")) for item in found}
        steps = []
        for native in dict.fromkeys(self._mapping.native(status) for status in Status):
            if native in there:
                steps.append(SetupStep(f"status {native}", "there"))
                continue
            text = (
                f"ไม่มีสถานะ {native} ใน tracker: แก้ [status] ในไฟล์ mapping ให้ใช้ชื่อที่มีอยู่ "
                f"({', '.join(sorted(there))}) หรือเพิ่มสถานะนี้ใน Roundup",
                f"The tracker has no status {native}: name one that it has in [status] of the "
                f"mapping ({', '.join(sorted(there))}), or add it in Roundup",
            )
            steps.append(SetupStep(f"status {native}", "by_hand", text))
        return steps

    async def _time_zone(self) -> SetupStep:
        """Moments are read in the user's own time zone; ours are in UTC."""
        what = "user timezone"
        found, _ = await self._client.find(
            "user", {"username:": self._login}, ("timezone",), act="look at our user"
        )
        if found and str(found[0].values.get("timezone")) in _UTC:
            return SetupStep(what, "there")
        text = (
            f"ตั้งเขตเวลา (timezone) ของผู้ใช้ {self._login} ใน Roundup เป็น 0",
            f"Set the timezone of the user {self._login} in Roundup to 0",
        )
        return SetupStep(what, "by_hand", text)
