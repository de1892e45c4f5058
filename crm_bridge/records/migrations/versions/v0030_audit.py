"""The audit log, a chain of hashes that the database itself keeps from being changed.

What was on record of acts and reads before (supervision, listening, rights of persons) becomes its
first rows, in order of time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_SQLITE = (
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

_POSTGRESQL = (
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

_EARLIER = """
SELECT started_us AS at_us, 'act' AS kind, by_account, 'supervision.' || act AS act,
  CASE WHEN call_id IS NULL THEN NULL ELSE 'call:' || call_id END AS about,
  id AS of_id, to_account AS of_account, 'supervision_act' AS of_kind FROM supervision_acts
UNION ALL
SELECT at_us, 'read', account_id, 'recording.listened', 'recording:' || recording_id,
  id, NULL, 'listen' FROM recording_listens
UNION ALL
SELECT asked_us, 'act', asked_by, 'privacy.' || kind || '.asked', 'person:' || person_id,
  id, NULL, 'privacy_act' FROM privacy_acts
UNION ALL
SELECT done_us, 'act', done_by, 'privacy.' || kind || '.' || state, 'person:' || person_id,
  id, NULL, 'privacy_act' FROM privacy_acts WHERE done_us IS NOT NULL
ORDER BY at_us, of_id, act
"""


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by_account", sa.Text()),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("about", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.create_table(
        "audit_cuts",
        sa.Column("upto", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
    )
    _chain_what_was()
    op.create_index("ix_audit_log_at_us", "audit_log", ["at_us"])
    op.create_index("ix_audit_log_by_account", "audit_log", ["by_account", "seq"])
    op.create_index("ix_audit_log_about", "audit_log", ["about", "seq"])
    bind = op.get_bind()
    for statement in _SQLITE if bind.dialect.name == "sqlite" else _POSTGRESQL:
        bind.exec_driver_sql(statement)


def _chain_what_was() -> None:
    bind = op.get_bind()
    table = sa.table("audit_log", *(sa.column(name) for name in _NAMES))
    page: list[dict[str, object]] = []
    for row in _rows(bind):
        page.append(row)
        if len(page) == 1000:
            bind.execute(table.insert(), page)
            page = []
    if page:
        bind.execute(table.insert(), page)


_NAMES = (
    "seq", "at_us", "kind", "by_account", "via", "act", "about", "detail", "previous", "hash",
)  # fmt: skip


def _rows(bind: sa.Connection) -> Iterator[dict[str, object]]:
    previous = "0" * 64
    found = bind.execute(sa.text(_EARLIER)).all()
    for seq, row in enumerate(found, 1):
        detail = {row.of_kind: row.of_id}
        if row.of_account is not None:
            detail["to_account"] = row.of_account
        content = {
            "seq": seq, "at_us": row.at_us, "kind": row.kind, "by_account": row.by_account,
            "via": "migration", "act": row.act, "about": row.about, "detail": _canonical(detail),
            "previous": previous,
        }  # fmt: skip
        previous = hashlib.sha256(_canonical(content).encode()).hexdigest()
        yield {**content, "hash": previous}


def _canonical(value: dict[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
