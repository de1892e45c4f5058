"""What can go wrong and is expected to; anything else that is raised is a bug.

HotlineError                 says what, where and the mend
├── ConfigMistake            a key of hotline.toml
├── Refused                  an act that a person asked for and that is not allowed, or not now
└── StorageError             the records
    ├── StorageUnavailable   locked, full, read-only, gone: later the same commit may pass
    ├── SchemaMismatch       the database is older or newer than this program
    └── RecordRefused        the database will never take this row
"""

from __future__ import annotations


class HotlineError(Exception):
    """An expected failure: `what` happened, `where`, and the `mend` that a person can carry out."""

    retry = False
    """The same act may succeed later without anybody changing it."""

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(what, where, mend)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.mend}" if self.mend else text


class ConfigMistake(HotlineError):
    """A configuration key that cannot be used; `where` names the key."""


class Refused(HotlineError):
    """An act that is not allowed, or not now; says why in Thai and in English.

    `code` is for programs (the `type` of the problem, lower case with dashes), `status` the HTTP
    status it becomes, `fields` the inputs at fault: name → (Thai, English).
    """

    def __init__(
        self,
        code: str,
        th: str,
        en: str,
        status: int = 409,
        fields: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(en)
        self.code = code
        self.th = th
        self.en = en
        self.status = status
        self.fields = fields or {}


class StorageError(HotlineError):
    """The records could not be read or written; `where` names the database without its password."""


class StorageUnavailable(StorageError):
    """The database cannot take a write now; nothing of the batch was saved."""

    retry = True


class SchemaMismatch(StorageError):
    """The tables are not those of this program."""


class RecordRefused(StorageError):
    """The database refuses the content itself: trying again cannot help."""
