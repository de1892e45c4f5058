"""People who call, their numbers and notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "persons",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("root_id", sa.Text(), nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["persons.id"], name=op.f("fk_persons_merged_into")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_index("ix_persons_root_id", "persons", ["root_id"], unique=False)
    op.create_index("ix_persons_merged_into", "persons", ["merged_into"], unique=False)
    op.create_index("ix_persons_updated_us", "persons", ["updated_us", "id"], unique=False)
    op.create_table(
        "person_numbers",
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_person_numbers_person_id")
        ),
        sa.PrimaryKeyConstraint("e164", "person_id", name=op.f("pk_person_numbers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_numbers_person_id", "person_numbers", ["person_id"], unique=False)
    op.create_table(
        "person_notes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by_account", sa.Text(), nullable=False),
        sa.Column("call_id", BYTES, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_person_notes_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_notes")),
    )
    op.create_index(
        "ix_person_notes_person_id", "person_notes", ["person_id", "at_us"], unique=False
    )
    op.create_table(
        "person_words",
        sa.Column("word", BYTES, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_person_words_person_id")
        ),
        sa.PrimaryKeyConstraint("word", "person_id", name=op.f("pk_person_words")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_words_person_id", "person_words", ["person_id"], unique=False)
    op.create_table(
        "word_grams",
        sa.Column("gram", BYTES, nullable=False),
        sa.Column("word", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("gram", "word", name=op.f("pk_word_grams")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "person_merges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("into_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by_account", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("undone_us", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_person_merges_person_id")
        ),
        sa.ForeignKeyConstraint(["into_id"], ["persons.id"], name=op.f("fk_person_merges_into_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_merges")),
    )
    op.create_index("ix_person_merges_person_id", "person_merges", ["person_id"], unique=False)
    op.create_index("ix_person_merges_into_id", "person_merges", ["into_id"], unique=False)
    op.create_table(
        "privacy_acts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_privacy_acts_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_acts")),
    )
    op.create_index(
        "ix_privacy_acts_person_id", "privacy_acts", ["person_id", "asked_us"], unique=False
    )
    op.create_index("ix_privacy_acts_state", "privacy_acts", ["state", "asked_us"], unique=False)
    op.create_table(
        "erased_calls",
        sa.Column("call_id", BYTES, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_erased_calls")),
    )


def downgrade() -> None:
    for table in (
        "erased_calls",
        "privacy_acts",
        "person_merges",
        "word_grams",
        "person_words",
        "person_notes",
        "person_numbers",
        "persons",
    ):
        op.drop_table(table)
