"""Records of Odoo by our external keys: found, made once, written, and read back.

A record bears its key twice: in the field `x_hotline_key`, which people can see, search and group
by, and in an external id `__hotline1203__.…`, of which Odoo's database allows one. The field finds
it, archived or not; the external id keeps two writers from making two, and follows a contact that
was merged into another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crm_bridge.connectors.odoo.client import ENGLISH, OdooClient
from crm_bridge.connectors.odoo.fields import (
    Field,
    Unfit,
    attributes,
    cell,
    fields_of,
    is_empty,
    kept,
    to_odoo,
)
from crm_bridge.connectors.odoo.stages import EXTERNAL
from crm_bridge.connectors.port import (
    Denied,
    Fields,
    Gone,
    Rejected,
    Unsettled,
    Value,
)

KEY: Final = "x_hotline_key"
NUMBERS: Final = "x_hotline_numbers"
MODULE: Final = "__hotline1203__"
"""Module of our external ids; none of this name is installed, so that no update touches them."""

CONTACTS: Final = "res.partner"


class Records:
    """One model's records."""

    def __init__(self, client: OdooClient, model: str) -> None:
        self._client = client
        self.model = model
        self._fields: dict[str, Field] = {}
        self._named: dict[tuple[str, str], int] = {}
        self._may_list = True

    async def fields(self, *wanted: str) -> Mapping[str, Field]:
        """The model's fields; asked anew where one of `wanted` is not among them."""
        if not self._fields or any(name not in self._fields for name in wanted):
            described = await self._client.call(
                self.model, "fields_get", [], attributes(), act=f"read the fields of {self.model}"
            )
            self._fields = fields_of(described)
        return self._fields

    async def keyed(self) -> Mapping[str, Field]:
        """The fields, ours among them; Denied where `setup` was not run."""
        fields = await self.fields(KEY)
        if KEY not in fields:
            self._fields = {}
            raise Denied(
                f"{self.model} has no field {KEY}",
                where=self._client.host,
                mend="run `hotline connector setup`",
            )
        return fields

    async def read(self, record: int, names: Sequence[str], act: str) -> dict[str, Any] | None:
        """These fields of a record, archived or not; `None` where it is no more."""
        rows = await self._client.call(
            self.model, "search_read", [["id", "=", record]], list(names), act=act
        )
        return dict(rows[0]) if rows else None

    async def find(self, key: str) -> int | None:
        """The id of the record of this key."""
        await self.keyed()
        act = f"look for the key in {self.model}"
        rows = await self._client.call(
            self.model, "search_read", [[KEY, "=", key]], ["id"], act=act, order="id", limit=2
        )
        if len(rows) == 1:
            return int(rows[0]["id"])
        referred = await self.referred(key)  # of a copy that somebody made, the original
        return referred or (int(rows[0]["id"]) if rows else None)

    async def referred(self, key: str) -> int | None:
        """The id of the record of this key's external id."""
        return await self.external(MODULE, external_id(self.model, key), self.model)

    async def values(self, fields: Fields) -> dict[str, Any]:
        """What the mapping made, as `write` takes it; Rejected where Odoo has no such field."""
        known = await self.fields(*fields)
        made: dict[str, Any] = {}
        for name, value in fields.items():
            field = known.get(name)
            if field is None:
                raise Rejected(
                    f"{self.model} has no field {name}",
                    where=self._client.host,
                    mend="correct the mapping, or run `hotline connector setup`",
                )
            try:
                of = await self._record_of(field, value) if field.type == "many2one" else value
                made[name] = to_odoo(field, of)
            except Unfit as unfit:
                raise Rejected(
                    f"field {name} of {self.model}: {unfit}",
                    where=self._client.host,
                    mend="correct the mapping",
                ) from unfit
        return made

    async def make(self, key: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> int:
        """Makes the record of this key, once; Unsettled where another made it meanwhile.

        Where another made it a moment before, this brings it up to date and nobody is told.
        `columns`: further columns of `load` for what the values do not say.
        """
        fields = await self.keyed()
        cells = {fields[name].column: cell(value) for name, value in {**values, KEY: key}.items()}
        for name, text in columns.items():
            if name in fields and fields[name].column not in cells:
                cells[fields[name].column] = text
        external = f"{MODULE}.{external_id(self.model, key)}"
        act = f"make a record of {self.model}"
        made = await self._client.load(self.model, external, cells, act=act)
        # what `load` could not carry (a line break in a cell is no trouble, a type may be)
        await self._settle(made, {**values, KEY: key}, None, act)
        return made

    async def write(self, record: int, values: Mapping[str, Any], *, empty_only: bool) -> None:
        """Brings a record up to date; Gone where it is no more. What stands already is not sent.

        `empty_only`: only our key, and what nobody has filled in.
        """
        fields = await self.fields(*values)
        act = f"write a record of {self.model}"
        before = await self.read(record, list(values), act)
        if before is None:
            raise self.gone(act)
        wanted = {
            name: value
            for name, value in values.items()
            if not kept(fields[name], value, before[name])
            and (not empty_only or name == KEY or is_empty(fields[name], before[name]))
        }
        if wanted:
            await self._client.call(self.model, "write", [record], wanted, act=act)
            await self._settle(record, wanted, before, act)

    def gone(self, act: str) -> Gone:
        """The error for a record that is no more."""
        return Gone(
            f"{act}: it is not there any more",
            where=self._client.host,
            mend="it was deleted there",
        )

    async def _settle(
        self, record: int, sent: Mapping[str, Any], before: Mapping[str, Any] | None, act: str
    ) -> None:
        """Reads back what was written; Unsettled where it did not take effect.

        A field that Odoo changed in its own way (a number that it formatted) took effect.
        """
        fields = await self.fields(*sent)
        after = await self.read(record, list(sent), act)
        if after is None:
            raise self.gone(act)
        lost = [
            name
            for name, value in sent.items()
            if not kept(fields[name], value, after[name])
            and (
                name == KEY
                or (is_empty(fields[name], after[name]) if before is None
                    else after[name] == before[name])
            )
        ]  # fmt: skip
        if lost and before is None:
            await self.write(record, {name: sent[name] for name in lost}, empty_only=False)
        elif lost:
            raise Unsettled(
                f"{act}: {', '.join(sorted(lost))} is not so when read back",
                where=self._client.host,
                mend="see whether the field can be written, or a rule there changes it back",
            )

    async def _record_of(self, field: Field, value: Value) -> Value:
        """The id of the record that a mapping names by id, external id or name."""
        text = str(value or "").strip()
        if value is None or not text or text.isdecimal():
            return int(text) if text.isdecimal() else None
        model = field.relation or ""
        if (model, text) in self._named:
            return self._named[model, text]
        found: int | None = None
        if EXTERNAL.fullmatch(text):
            module, _, name = text.partition(".")
            found = await self.external(module, name, model)
        found = found or await self.named(model, text)
        if found is None:
            raise Rejected(
                f"field {field.name}: there is no such record of {model}, or more than one",
                where=self._client.host,
                mend="name it in the mapping as it is called there, or by its id",
            )
        self._named[model, text] = found
        return found

    async def named(self, model: str, name: str) -> int | None:
        """The id of the only record of this name, in our user's language or in English."""
        act = f"look for a record of {model} by its name"
        own = await self._client.call("res.users", "context_get", act=act)
        mine = str(own.get("lang") or ENGLISH) if isinstance(own, dict) else ENGLISH
        found: set[int] = set()
        for language in {mine, ENGLISH}:
            pairs = await self._client.call(
                model, "name_search", name, [], "=", act=act, limit=2, context={"lang": language}
            )
            found |= {int(one[0]) for one in pairs}
        return found.pop() if len(found) == 1 else None

    async def external(self, module: str, name: str, model: str) -> int | None:
        """The id of the record of an external id, where it is there and may be seen."""
        act = "look for an external id"
        if self._may_list:
            domain = [["module", "=", module], ["name", "=", name], ["model", "=", model]]
            try:
                rows = await self._client.call(
                    "ir.model.data", "search_read", domain, ["res_id"], act=act, limit=1
                )
            except Denied:
                self._may_list = False
            else:
                there = rows and await self._client.call(
                    model, "search", [["id", "=", rows[0]["res_id"]]], act=act
                )
                return int(there[0]) if there else None
        try:  # a user who may not list them may ask for one; each that is not there Odoo logs
            found = await self._client.call(
                "ir.model.data", "check_object_reference", module, name, act=act
            )
        except Rejected:
            return None
        if isinstance(found, list) and found[:1] == [model] and len(found) == 2 and found[1]:
            return int(found[1])
        return None


def external_id(model: str, key: str) -> str:
    """The name of a key's external id: readable, and never the same for two keys."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_")[:60]
    return f"{model.replace('.', '_')}__{plain}_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def number_of(record: str) -> int | None:
    """A record's id as a number; `None` where it can be none of Odoo's."""
    fit = record.isascii() and record.isdecimal() and len(record) < 10
    return int(record) if fit and int(record) > 0 else None
