"""Where a ticket stands in Odoo: the stage of its model, by the name that the mapping has for it.

Odoo translates the names of stages: a name is looked for in English and in every language that is
installed. A number is a stage's id and `module.name` its external id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm_bridge.connectors.odoo.client import ENGLISH, OdooClient
from crm_bridge.connectors.port import Rejected

EXTERNAL: Final = re.compile(r"[A-Za-z_][\w-]*\.[A-Za-z_][\w-]*")
"""The form of an external id."""


@dataclass(frozen=True, slots=True)
class TicketModel:
    """What belongs to a model of tickets."""

    group_model: str = ""
    """What its stages and tickets belong to: a sales team, a project."""
    group_field: str = ""
    stage_groups: tuple[str, ...] = ()
    """Names, over the versions, of the field by which a stage belongs to it."""
    done_field: str = ""
    """Moment of being closed."""
    on_creation: Mapping[str, str] = field(default_factory=dict)
    """Column of `load` → text, where the mapping says nothing: Odoo's own defaults do not fit."""


MODELS: Final[Mapping[str, TicketModel]] = {
    "crm.lead": TicketModel(
        "crm.team", "team_id", ("team_id", "team_ids"), "date_closed",
        # without these a ticket would be our own user's, and hidden among unqualified leads
        {"user_id": "", "type": "opportunity"},
    ),
    "project.task": TicketModel(
        "project.project", "project_id", ("project_ids",), "date_end",
        {"user_id": "", "user_ids": ""},
    ),
}  # fmt: skip
"""Models that are known; any other with `name`, `partner_id` and `stage_id` serves as well."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage with its names in all languages; the first is that of our user's language."""

    id: int
    names: tuple[str, ...]
    groups: tuple[int, ...] = ()


class Stages:
    """The stages of one model, read when they are needed."""

    def __init__(self, client: OdooClient, model: str, ticket: TicketModel) -> None:
        self._client = client
        self.model = model
        self._ticket = ticket
        self._known: tuple[Stage, ...] = ()
        self._external: dict[str, int] = {}

    async def of(self, native: str, group: int | None) -> int:
        """The id of the stage that the mapping calls so; Rejected where there is none."""
        act = "find the stage"
        if native.isdecimal():
            return int(native)
        for anew in (False, True):  # it may have been made or renamed since
            found = [s for s in await self.all(anew=anew) if _folded(native) in _all(s.names)]
            if found:
                return min(found, key=lambda s: (group not in s.groups, bool(s.groups), s.id)).id
        if EXTERNAL.fullmatch(native):
            module, _, name = native.partition(".")
            try:
                referred = await self._client.call(
                    "ir.model.data", "check_object_reference", module, name, act=act
                )
            except Rejected:  # how Odoo says that there is none
                referred = None
            if isinstance(referred, list) and referred[:1] == [self.model] and referred[1]:
                self._external[native] = int(referred[1])
                return self._external[native]
        raise Rejected(
            f"there is no stage named “{native}” ({self.model})",
            where=self._client.host,
            mend="run `hotline connector setup`, or name one of Odoo's stages in [status]",
        )

    async def words(self, stage: int | None, natives: Iterable[str]) -> tuple[str, ...]:
        """What this stage is called: by the mapping, where it knows it, then in each language."""
        if stage is None:
            return ("",)
        found = next((s for s in await self.all() if s.id == stage), None)
        if found is None:
            found = next((s for s in await self.all(anew=True) if s.id == stage), None)
        names = found.names if found else (str(stage),)
        for native in natives:
            if (
                _folded(native) in _all(names)
                or native == str(stage)
                or self._external.get(native) == stage
            ):
                return (native, *names)
        return names

    async def all(self, *, anew: bool = False) -> tuple[Stage, ...]:
        """Every stage of the model."""
        if self._known and not anew:
            return self._known
        act = "read the stages"
        own = await self._client.call("res.users", "context_get", act=act)
        languages = await self._client.call("res.lang", "get_installed", act=act)
        codes = [str(own.get("lang") or ENGLISH)] if isinstance(own, dict) else [ENGLISH]
        codes += [str(one[0]) for one in languages or [] if isinstance(one, list | tuple) and one]
        names: dict[int, list[str]] = {}
        groups: dict[int, tuple[int, ...]] = {}
        described = await self._client.call(self.model, "fields_get", [], ["type"], act=act)
        belongs = [name for name in self._ticket.stage_groups if name in described]
        for code in dict.fromkeys([*codes, ENGLISH]):
            rows = await self._client.call(
                self.model, "search_read", [], ["name", *belongs], act=act,
                order="sequence, id", context={"lang": code},
            )  # fmt: skip
            for row in rows:
                names.setdefault(row["id"], []).append(str(row["name"] or ""))
                groups[row["id"]] = tuple(n for name in belongs for n in _ids(row.get(name)))
        self._known = tuple(Stage(i, tuple(n), groups[i]) for i, n in names.items())
        return self._known


def _ids(value: Any) -> tuple[int, ...]:
    """The ids in what was read of a many2one `[id, name]` or of a many2many."""
    if not isinstance(value, list):
        return ()
    if len(value) == 2 and isinstance(value[1], str):
        return (int(value[0]),)
    return tuple(int(one) for one in value)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _all(names: Iterable[str]) -> set[str]:
    return {_folded(name) for name in names}
