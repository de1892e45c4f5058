"""The audit log: acts and reads of personal data, a chain of hashes that only grows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, BigInteger, Column, Index, Table, Text, event

from crm_bridge.records.tables import metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by_account", Text),
    Column("via", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("about", Text),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_log_at_us", "at_us"),
    Index("ix_audit_log_by_account", "by_account", "seq"),
    Index("ix_audit_log_about", "about", "seq"),
)
"""One row an act or a read; `seq` has no gap. `kind`: `act`, `read` or `retention`. `by_account` is
an account's id, NULL where nobody is signed in; `via` says how it came (`browser`, `key:ID`,
`command:USER`, `system`). `about` is `person:ID`, `call:ID`, …; `detail` canonical JSON of ids and
counts: no name and no number stands here, so that nothing has to be changed to forget somebody.
`hash` is of all other columns, `previous` of the row before (`crm_bridge/records/chain.py`)."""

audit_cuts = Table(
    "audit_cuts",
    metadata,
    Column("upto", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Where the front of the log was cut: rows up to `upto`, whose hash was `hash`, are not kept any
more. The cut itself is a row of the log."""

_SQLITE: Final = (
    """CREATE TRIGGER audit_log_follows BEFORE INSERT ON audit_log
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM audit_log), 0) + 1
OR NEW.previous <> coalesce((SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1), '')
AND NEW.seq > 1
BEGIN SELECT RAISE(ABORT, 'audit_log: a row follows the last one'); END""",
    """CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log: rows are never changed'); END""",
    """CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
WHEN OLD.seq > coalesce((SELECT max(upto) FROM audit_cuts), 0)
BEGIN SELECT RAISE(ABORT, 'audit_log: rows go only at the front, by a cut'); END""",
    """CREATE TRIGGER audit_cuts_true BEFORE INSERT ON audit_cuts
WHEN NOT EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.upto AND hash = NEW.hash)
OR NEW.upto >= (SELECT max(seq) FROM audit_log)
BEGIN SELECT RAISE(ABORT, 'audit_cuts: a cut names a row and its hash, and never the last'); END""",
    """CREATE TRIGGER audit_cuts_stay BEFORE UPDATE ON audit_cuts
BEGIN SELECT RAISE(ABORT, 'audit_cuts: rows are never changed'); END""",
    """CREATE TRIGGER audit_cuts_kept BEFORE DELETE ON audit_cuts
BEGIN SELECT RAISE(ABORT, 'audit_cuts: rows are never deleted'); END""",
)

_POSTGRESQL: Final = (
    """CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  IF TG_TABLE_NAME = 'audit_log' AND TG_OP = 'INSERT' THEN
    SELECT seq, hash INTO last FROM audit_log ORDER BY seq DESC LIMIT 1;
    IF NEW.seq = coalesce(last.seq, 0) + 1 AND (NEW.seq = 1 OR NEW.previous = last.hash) THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_log: a row follows the last one';
  ELSIF TG_TABLE_NAME = 'audit_log' AND TG_OP = 'DELETE' THEN
    IF OLD.seq <= coalesce((SELECT max(upto) FROM audit_cuts), 0) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'audit_log: rows go only at the front, by a cut';
  ELSIF TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.upto AND hash = NEW.hash)
       AND NEW.upto < (SELECT max(seq) FROM audit_log) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'audit_cuts: a cut names a row and its hash, and never the last';
  END IF;
  RAISE EXCEPTION '%: rows are never changed or deleted', TG_TABLE_NAME;
END $$""",
    """CREATE TRIGGER audit_log_guard BEFORE INSERT OR UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_guard()""",
    """CREATE TRIGGER audit_cuts_guard BEFORE INSERT OR UPDATE OR DELETE ON audit_cuts
FOR EACH ROW EXECUTE FUNCTION audit_guard()""",
    """CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()""",
    """CREATE TRIGGER audit_cuts_whole BEFORE TRUNCATE ON audit_cuts
FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()""",
)

GUARDS: Final = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
"""What makes the database itself refuse that the log is changed; the migration runs the same."""


def _once(what: str, dialect: str, statement: str) -> None:
    made = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(metadata, what, made.execute_if(dialect=dialect))


for _dialect, _statements in GUARDS.items():
    for _statement in _statements:
        _once("after_create", _dialect, _statement)
_once("after_drop", "postgresql", "DROP FUNCTION IF EXISTS audit_guard()")
