"""What the routes of the catalogue of subjects take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from crm_bridge.cases.subjects import Heading, Subject

PLAIN = r"^[^\u0000-\u001f\u007f]*$"
"""One line of text: no control characters."""

SubjectId = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$", description="a subject's id")
]
ServiceName = Literal["information", "complaint", "appointment", "market_information"]
Name = Annotated[str, Field(max_length=120, pattern=PLAIN)]


class NewSubject(BaseModel):
    """An entry to be added; with `parent_id` below that heading."""

    name_th: Name = ""
    name_en: Name = ""
    parent_id: str | None = Field(None, max_length=64, pattern=r"^[a-z0-9-]+$")
    service: ServiceName | None = Field(None, description="null: of every service")


class SubjectEdit(BaseModel):
    """An entry as it is from now on."""

    name_th: Name = ""
    name_en: Name = ""
    active: bool = True
    ordinal: int = Field(0, ge=0, le=10_000, description="place among its neighbours")
    service: ServiceName | None = Field(None, description="of a heading; null: of every service")


class SubjectOut(BaseModel):
    """An entry of the catalogue; its version is the ETag."""

    id: str
    parent_id: str | None
    service: str | None
    name_th: str
    name_en: str
    active: bool
    ordinal: int
    version: int

    @classmethod
    def of(cls, subject: Subject) -> SubjectOut:
        """The published form."""
        return cls(
            id=subject.id, parent_id=subject.parent_id, service=subject.service,
            name_th=subject.name_th, name_en=subject.name_en, active=subject.active,
            ordinal=subject.ordinal, version=subject.version,
        )  # fmt: skip


class HeadingOut(SubjectOut):
    """An entry of the first level and those below it."""

    below: list[SubjectOut]

    @classmethod
    def whole(cls, heading: Heading) -> HeadingOut:
        """The published form, with what stands below."""
        own = SubjectOut.of(heading.subject).model_dump()
        return cls(**own, below=[SubjectOut.of(s) for s in heading.below])
