"""What must be there in Odoo before anything is written: fields, a team or project, its stages.

It needs an administrator's rights, which our user has not otherwise; what it may not make it tells
to be made by hand. What is there already is left as it is.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.odoo.client import OdooClient
from crm_bridge.connectors.odoo.records import CONTACTS, KEY, NUMBERS, Records
from crm_bridge.connectors.odoo.stages import Stages, TicketModel
from crm_bridge.connectors.port import (
    ConnectorError,
    Denied,
    Kind,
    Rejected,
    SetupStep,
    Status,
)

_TYPES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "text": ("char", frozenset({"char", "text", "html", "selection", "many2one"})),
    "integer": ("integer", frozenset({"integer", "float"})),
    "number": ("float", frozenset({"float", "monetary"})),
    "boolean": ("boolean", frozenset({"boolean"})),
    "datetime": ("datetime", frozenset({"datetime"})),
    "date": ("date", frozenset({"date", "datetime"})),
}
"""Type of a mapping's field → the type made here, and those that serve as well."""

_FORMS: Final = {
    CONTACTS: ("base", "view_partner_form"),
    "crm.lead": ("crm", "crm_lead_view_form"),
    "project.task": ("project", "view_task_form2"),
}
"""Model → the form on which people see a record."""

_BEFORE: Final = 100
_WON: Final = frozenset({Status.RESOLVED, Status.CLOSED})
_FOLDED: Final = frozenset({Status.CLOSED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    type: str
    label: tuple[str, str]
    index: bool = False


_KEY: Final = _Wanted(KEY, "text", ("รหัสอ้างอิงสายด่วน 1203", "Hotline 1203 reference"), True)
_NUMBERS: Final = _Wanted(NUMBERS, "text", ("เลขหมายที่โทรเข้า 1203", "Numbers calling 1203"))


class Setup:
    """One run of `hotline connector setup`."""

    def __init__(
        self,
        client: OdooClient,
        mapping: FieldMapping,
        contacts: Records,
        tickets: Records,
        shape: TicketModel,
        stages: Stages,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._contacts = contacts
        self._tickets = tickets
        self._shape = shape
        self._stages = stages
        self._done: list[SetupStep] = []
        self._thai = False

    async def run(self, group: str) -> Sequence[SetupStep]:
        """Makes what is lacking and may be made; `group`: the name of the team or project."""
        act = "read the languages"
        languages = await self._client.call("res.lang", "get_installed", act=act)
        self._thai = any(one[0] == "th_TH" for one in languages)
        custom: dict[Kind, list[_Wanted]] = {Kind.CONTACT: [_KEY, _NUMBERS], Kind.TICKET: [_KEY]}
        for field in self._mapping.setup:
            custom[field.of].append(_Wanted(field.name, field.type, field.label))
        for records, wanted in (
            (self._contacts, custom[Kind.CONTACT]),
            (self._tickets, custom[Kind.TICKET]),
        ):
            await self._fields(records, wanted)
            await self._view(records, wanted)
        number = await self._group(group) if group and self._shape.group_model else None
        await self._stages_of(number)
        return tuple(self._done)

    # --- fields -----------------------------------------------------------------------------------

    async def _fields(self, records: Records, wanted: Sequence[_Wanted]) -> None:
        model = records.model
        there = await records.fields(*(one.name for one in wanted))
        lacking = [one for one in wanted if one.name not in there]
        try:
            made = await self._make_fields(model, lacking) if lacking else set()
        except (Denied, Rejected) as error:
            made = set()
            for one in lacking:
                self._by_hand(f"{model}.{one.name}", _field_text(model, one), error)
        else:
            if made:
                there = await records.fields(*made)
        for one in wanted:
            what = f"{model}.{one.name}"
            if one.name in made:
                self._step(what, "made", one.label)
            elif one.name in there:
                if there[one.name].type in _TYPES[one.type][1]:
                    self._step(what, "there", one.label)
                else:
                    self._by_hand(what, _field_text(model, one))

    async def _make_fields(self, model: str, wanted: Sequence[_Wanted]) -> set[str]:
        act = f"make fields of {model}"
        bad = [one.name for one in wanted if not one.name.startswith("x_")]
        if bad:
            raise Rejected(f"{act}: the names of own fields begin with x_: {', '.join(bad)}")
        (number,) = await self._client.call(
            "ir.model", "search", [["model", "=", model]], act=act, limit=1
        )
        rows = [
            {
                "model_id": number,
                "state": "manual",
                "name": one.name,
                "ttype": _TYPES[one.type][0],
                "field_description": one.label[1],
                "index": one.index,
                "copied": False,  # a copy that an officer makes is not the record we wrote
            }
            for one in wanted
        ]
        made = await self._client.call("ir.model.fields", "create", rows, act=act)
        if self._thai:
            for field, one in zip(made, wanted, strict=True):
                await self._client.call(
                    "ir.model.fields", "write", [field], {"field_description": one.label[0]},
                    act=act, context={"lang": "th_TH"},
                )  # fmt: skip
        return {one.name for one in wanted}

    async def _view(self, records: Records, wanted: Sequence[_Wanted]) -> None:
        """Shows the fields at the foot of the form, where this Odoo has the form we know."""
        model = records.model
        module, name = _FORMS.get(model, ("", ""))
        there = await records.fields()
        shown = [one for one in wanted if one.name in there]
        if not name or not shown:
            return
        act = f"show the fields on the form of {model}"
        title = f"hotline1203.{model}.form"
        names = "".join(_on_form(one) for one in shown)
        arch = (
            '<data><xpath expr="//sheet" position="inside">'
            f'<group string="1203" name="hotline1203">{names}</group></xpath></data>'
        )
        purpose = (
            "แสดงข้อมูลสายด่วน 1203 ท้ายแบบฟอร์ม",
            "Shows the data of 1203 at the foot of the form",
        )
        todo = (
            "ให้ผู้ดูแลระบบเพิ่มเขตข้อมูล x_hotline_… ลงในแบบฟอร์ม",
            "an administrator adds the x_hotline_… fields to the form",
        )
        what = f"{model} (form)"
        try:
            found = await self._client.call(
                "ir.ui.view", "search_read", [["name", "=", title]], ["arch_base"], act=act, limit=1
            )
            if found:
                there_now = str(found[0]["arch_base"])
                added = _added(there_now, [one for one in shown if _lacks(there_now, one)])
                if added != there_now:  # the mapping has fields that it had not then
                    values = {"arch_base": added}
                    await self._client.call(
                        "ir.ui.view", "write", [found[0]["id"]], values, act=act
                    )
                self._step(what, "there" if added == there_now else "made", purpose)
                return
            form = await self._client.call(
                "ir.model.data", "check_object_reference", module, name, act=act
            )
            view = {
                "name": title, "model": model, "inherit_id": form[1], "mode": "extension",
                "type": "form", "arch": arch, "priority": 99,
            }  # fmt: skip
            await self._client.call("ir.ui.view", "create", [view], act=act)
        except (Denied, Rejected) as error:
            self._by_hand(what, _joined(purpose, todo), error)
        else:
            self._step(what, "made", purpose)

    # --- team and stages --------------------------------------------------------------------------

    async def _group(self, name: str) -> int | None:
        model = self._shape.group_model
        what = f"{model} “{name}”"
        purpose = ("กลุ่มงานของเรื่องจากสายด่วน", "What tickets of the hotline belong to")
        found = await self._tickets.named(model, name)
        if found is not None:
            self._step(what, "there", purpose)
            return found
        try:
            made = await self._client.call(model, "create", [{"name": name}], act=f"make a {model}")
        except (Denied, Rejected) as error:
            self._by_hand(what, _joined(purpose, _to_make(model, name)), error)
            return None
        self._step(what, "made", purpose)
        return int(made[0])

    async def _stages_of(self, group: int | None) -> None:
        model = self._stages.model
        described = await self._client.call(
            model, "fields_get", [], ["type"], act="read the fields of the stages"
        )
        wanted: dict[str, list[Status]] = {}
        for status in Status:
            wanted.setdefault(self._mapping.native(status), []).append(status)
        for place, (native, statuses) in enumerate(wanted.items(), start=1):
            what = f"{model} “{native}”"
            names = ", ".join(statuses)
            purpose = (f"ขั้นตอนสำหรับสถานะ {names}", f"The stage of the status {names}")
            try:
                await self._stages.of(native, group)
            except Rejected:
                pass
            else:
                self._step(what, "there", purpose)
                continue
            # before the stages that all teams share
            values: dict[str, Any] = {"name": native, "sequence": place - _BEFORE}
            if "fold" in described:
                values["fold"] = bool(_FOLDED & set(statuses))
            if "is_won" in described:
                values["is_won"] = bool(_WON & set(statuses))
            if "user_id" in described:
                values["user_id"] = False  # a task's stage would be our user's own
            belongs = next((n for n in self._shape.stage_groups if n in described), "")
            if group is not None and belongs:
                many = described[belongs]["type"] == "many2many"
                values[belongs] = [[6, 0, [group]]] if many else group
            try:
                await self._client.call(model, "create", [values], act=f"make a {model}")
                await self._stages.of(native, group)
            except (Denied, Rejected) as error:
                self._by_hand(what, _joined(purpose, _to_make(model, native)), error)
            else:
                self._step(what, "made", purpose)

    def _step(self, what: str, state: str, text: tuple[str, str]) -> None:
        self._done.append(SetupStep(what, state, text))

    def _by_hand(
        self, what: str, text: tuple[str, str], error: ConnectorError | None = None
    ) -> None:
        said = f" ({error.what})" if error is not None else ""
        self._done.append(SetupStep(what, "by_hand", (text[0] + said, text[1] + said)))


def _field_text(model: str, one: _Wanted) -> tuple[str, str]:
    kind = _TYPES[one.type][0]
    return (
        f"{one.label[0]}: สร้างเขตข้อมูล {one.name} ชนิด {kind} ใน {model} "
        "(ตั้งค่า > เทคนิค > เขตข้อมูล) หรือสั่ง setup ด้วยบัญชีผู้ดูแลระบบ",
        f"{one.label[1]}: make the field {one.name} of type {kind} in {model} "
        "(Settings > Technical > Fields), or run setup as an administrator",
    )


def _joined(purpose: tuple[str, str], todo: tuple[str, str]) -> tuple[str, str]:
    return f"{purpose[0]}: {todo[0]}", f"{purpose[1]}: {todo[1]}"


def _to_make(model: str, name: str) -> tuple[str, str]:
    return f"สร้าง {model} ชื่อ “{name}”", f"make a {model} named “{name}”"


def _lacks(arch: str, one: _Wanted) -> bool:
    return f'name="{html.escape(one.name)}"' not in arch


def _added(arch: str, lacking: Sequence[_Wanted]) -> str:
    """Our part of a form with these fields at its foot; what somebody changed there stays."""
    before, end, after = arch.rpartition("</group>")
    return before + "".join(map(_on_form, lacking)) + end + after if end else arch


def _on_form(one: _Wanted) -> str:
    link = ' widget="url"' if one.name.endswith("_link") else ""
    return f'<field name="{html.escape(one.name)}" readonly="1"{link}/>'
