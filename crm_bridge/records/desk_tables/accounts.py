"""Tables of the desk: who may sign in, and who is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("email", Text),
    Column("role", Text, nullable=False),
    Column("agency", Text),
    Column("province", Text),
    Column("language", Text, nullable=False),
    Column("password_hash", Text),
    Column("password_us", BigInteger),
    Column("oidc_subject", Text),
    Column("active", Boolean, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until_us", BigInteger),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_accounts_login", "login", unique=True),
    Index("ix_accounts_oidc_subject", "oidc_subject", unique=True),
)
"""`login` is kept in lower case. `failures` counts wrong passwords in a row. `password_us` says
since when the password is this one; with `must_change` it is a one-time password.
"""

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("account_id", Text, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("address", Text),
    Column("user_agent", Text),
    Index("ix_sessions_token_hash", "token_hash", unique=True),
    Index("ix_sessions_account_id", "account_id"),
)
"""A browser signed in; the cookie holds the token, of which only the SHA-256 is kept."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("used_us", BigInteger),
    Column("ended_us", BigInteger),
    Index("ix_api_tokens_token_hash", "token_hash", unique=True),
    Index("ix_api_tokens_account_id", "account_id"),
)
"""A program's key: acts as its account, within its scopes (separated by spaces)."""
