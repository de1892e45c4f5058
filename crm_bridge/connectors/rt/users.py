"""Callers as users of Request Tracker: found by number, made once, brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.port import (
    Contact,
    ContactDraft,
    Gone,
    Ref,
    Rejected,
    Unsettled,
)
from crm_bridge.connectors.rt.client import Record
from crm_bridge.connectors.rt.fields import (
    TEL,
    USER,
    Wanted,
    custom_name,
    differing,
    user_name,
    wanted,
)
from crm_bridge.connectors.rt.house import AGAIN, House, body, known
from crm_bridge.plain_text import plain_line

_MOST_CONTACTS: Final = 5


class Users:
    """The users of one RT."""

    def __init__(self, house: House, mapping: FieldMapping, page: str) -> None:
        """`page`: the address of a user's page up to its number."""
        self._page = page
        self._house = house
        self._rt = house.rt
        self._mapping = mapping

    async def find(self, e164: str) -> Sequence[Contact]:
        """Users in use who really have this number, the last changed first."""
        found = await self._rt.users(self._house.setting.phone, TEL + e164)
        if any(self._house.setting.phone not in user.custom for user in found):
            raise self._house.lacking(f"users have no custom field {self._house.setting.phone}")
        alike = [user for user in found if e164 in self._numbers(user)]
        return [self._contact(user) for user in alike[:_MOST_CONTACTS]]

    def _contact(self, user: Record) -> Contact:
        shown = (
            user.first(custom) if (custom := custom_name(name)) else user.text(name)
            for name in self._mapping.lookup
        )
        return Contact(
            user.id,
            user.text("RealName") or user.text("Name"),
            self._numbers(user),
            user.first(self._house.setting.key) or None,
            f"{self._page}{user.id}",
            tuple(plain_line(text) for text in shown if text.strip()),
        )

    def _numbers(self, user: Record) -> tuple[str, ...]:
        values = user.custom.get(self._house.setting.phone, ())
        return tuple(value.removeprefix(TEL) for value in values if value)

    async def upsert(self, draft: ContactDraft) -> Ref:
        """Makes the user of this key, or brings it up to date; Gone where `known` is no more."""
        want = wanted(draft.fields, USER, self._house.host)
        key_field, phone_field = self._house.setting.key, self._house.setting.phone
        want.custom[key_field] = (draft.key,)
        if draft.numbers:
            want.custom[phone_field] = tuple(TEL + number for number in draft.numbers)
        async with self._house.turns.of(draft.key):
            user, name = await self._user_of(draft)
            made = user is None
            if user is None:
                user = await self._new_user(name, want)
            elif draft.theirs:
                want = _empty(want, user, key_field)
            user = await self._bring(user, differing(want, user.own, user.custom))
            return Ref(user.id, f"{self._page}{user.id}", made)

    async def _user_of(self, draft: ContactDraft) -> tuple[Record | None, str]:
        """The user as far as it is there already, and the name that a new one would have.

        Gone where it was known and is no more.
        """
        key_field, name = self._house.setting.key, user_name(draft.key)
        if draft.known is not None:
            user = await self._rt.user(draft.known) if known(draft.known) else None
            if user is None or _disabled(user):
                raise Gone("the user is not there, or disabled", where=self._house.host)
            return user, name
        found = await self._rt.users(key_field, draft.key)
        alike = [user for user in found if user.first(key_field) == draft.key]
        if alike:
            return min(alike, key=lambda user: int(user.id)), name
        user = await self._rt.user(name)
        if user is None:
            return None, name
        if _disabled(user) or user.first(key_field) not in {"", draft.key}:
            return None, f"{name}.{user.id}"  # out of use, or in other hands: it keeps its name
        return user, name

    async def _new_user(self, name: str, want: Wanted) -> Record:
        new: dict[str, Any] = {
            "Name": name,
            "Privileged": 0,
            **{field: text for field, text in want.own.items() if text},
            "CustomFields": {field: list(values) for field, values in want.custom.items()},
        }
        try:
            await self._rt.create_user(new)
        except Rejected:
            if await self._rt.user(name) is None:  # not because another made it meanwhile
                raise
        user = await self._rt.user(name)
        if user is None:
            raise Unsettled("create a user: it is not there", where=self._house.host, mend=AGAIN)
        return user

    async def _bring(self, user: Record, lack: Wanted) -> Record:
        """The user with what it lacks written and read back."""
        if not lack.own and not lack.custom:
            return user
        self._house.has_fields(user.custom, lack, "users")
        await self._rt.change_user(user.id, body(lack))
        after = await self._rt.user(user.id)
        if after is None:
            raise Gone("the user went away meanwhile", where=self._house.host)
        self._house.settled("a user", differing(lack, after.own, after.custom))
        return after

    async def disable(self, number: str) -> None:
        """Takes a user out of use; RT deletes none."""
        user = await self._rt.user(number)
        if user is None or _disabled(user):
            return
        await self._rt.change_user(user.id, {"Disabled": 1})
        after = await self._rt.user(user.id)
        if after is not None and not _disabled(after):
            raise Unsettled(
                "disable a user: it is still in use", where=self._house.host, mend=AGAIN
            )


def _disabled(user: Record) -> bool:
    return user.text("Disabled") == "1"


def _empty(want: Wanted, user: Record, key: str) -> Wanted:
    """Of what is wanted only our key, and what is empty with a user who was there before us."""
    return Wanted(
        {name: text for name, text in want.own.items() if not user.text(name).strip()},
        {
            name: values
            for name, values in want.custom.items()
            if name == key or not any(user.custom.get(name, ()))
        },
    )
