"""The page of webhook events: every type with its fields, an example and its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.connectors.webhook import events
from crm_bridge.connectors.webhook.events import EventType
from crm_bridge.web.context import context
from crm_bridge.web.hooks.doors import doors
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

_AT = 1_795_000_000_000_000
"""When the example is told to have been sent."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of an event's data as the page shows it."""

    name: str
    type: str
    th: str
    en: str
    required: bool


@router.get("/admin/hooks/schemas")
async def schemas_page(
    request: Request,
    me: Annotated[Account, who(Role.ADMINISTRATOR)],
    type: str = "",  # its name in the URL
) -> HTMLResponse:
    """The types beside the one that is looked at."""
    address = context(request).config.web.address
    chosen = next((event for event in events.EVENTS if event.slug == type), events.EVENTS[0])
    schema = events.schema(chosen, address)
    example = example_of(chosen, address)
    return render(
        request,
        "hooks/schemas.html",
        types=events.EVENTS,
        chosen=chosen,
        rows=fields_of(schema),
        example=_pretty(example),
        example_id=example["id"],
        schema=_pretty(schema),
        path=f"{events.SCHEMAS}/{chosen.type}",
        envelope=f"{events.SCHEMAS}/{events.ENVELOPE}",
        dataschema=events.schema_address(address, chosen.type),
        address=address,
        ways_back=doors(request).names(),
    )


def example_of(event: EventType, address: str) -> dict[str, Any]:
    """A whole event of this type, as it goes over the wire."""
    data = event.example.model_dump(mode="json")
    subject = next(
        (str(data[name]) for name in ("key", "ticket", "id") if data.get(name)), event.name
    )
    return events.envelope(
        event, event.example, id=events.event_id(event, "example"), subject=subject, at=_AT,
        address=address, source="https://crm.example" if event.incoming
        else address or "urn:hotline1203:ministry",
    )  # fmt: skip


def fields_of(schema: dict[str, Any]) -> list[FieldRow]:
    """The fields that a schema describes, in their order."""
    return [
        FieldRow(
            name,
            _type(field, schema.get("$defs", {})),
            field.get("x-description-th", ""),
            field.get("description", ""),
            name in schema.get("required", ()),
        )
        for name, field in schema["properties"].items()
    ]


def _type(field: dict[str, Any], named: dict[str, Any]) -> str:
    """`text | null`, `new | open | …`, `list of text`: what stands in a field."""
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_type(one, named) for one in field["anyOf"]))
    if "$ref" in field:
        return _type(named[field["$ref"].rpartition("/")[2]], named)
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"[{_type(field.get('items', {}), named)}]"
    if kind == "object":
        inner = field.get("additionalProperties")
        return f"{{name: {_type(inner, named)}}}" if isinstance(inner, dict) else "object"
    return kind


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
