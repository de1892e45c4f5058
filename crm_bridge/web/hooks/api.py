"""The registry of webhook events: the schema of everything that is sent or taken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from crm_bridge.connectors.webhook import events
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.policy import OPEN

router = APIRouter(prefix="/api/v1/hooks", tags=["hooks"], dependencies=[OPEN])


class SchemaAnswer(JSONResponse):
    """A JSON Schema."""

    media_type = "application/schema+json"


class TypeOut(BaseModel):
    """A type of event."""

    type: str
    version: int
    title_th: str
    title_en: str
    incoming: bool = Field(description="it comes from the other side")
    dataschema: str = Field(description="where the schema of its data is")


class Types(BaseModel):
    """The registry."""

    items: list[TypeOut]
    envelope: str = Field(description="where the schema of the whole event is")


@router.get("/schemas", summary="The types of webhook events")
async def types(request: Request) -> Types:
    """For everybody who builds a receiver; it holds nothing of anybody."""
    address = context(request).config.web.address
    return Types(
        items=[
            TypeOut(
                type=event.type, version=event.version, title_th=event.th, title_en=event.en,
                incoming=event.incoming, dataschema=events.schema_address(address, event.type),
            )
            for event in events.EVENTS
        ],
        envelope=events.schema_address(address, events.ENVELOPE),
    )  # fmt: skip


@router.get(
    "/schemas/{name}", summary="The JSON Schema of a type's data", response_class=SchemaAnswer
)
async def schema(
    request: Request,
    name: Annotated[str, Path(max_length=120, description="a type, or `envelope`")],
) -> SchemaAnswer:
    """What `dataschema` of an event leads to."""
    address = context(request).config.web.address
    if name == events.ENVELOPE:
        return SchemaAnswer(events.envelope_schema(address))
    event = events.BY_TYPE.get(name)
    if event is None:
        raise Refused("no-schema", "ไม่มีเหตุการณ์ชนิดนี้", "there is no such type of event", 404)
    return SchemaAnswer(events.schema(event, address))
