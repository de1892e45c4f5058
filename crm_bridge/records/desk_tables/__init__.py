"""The desk's tables: accounts, agents, people, cases, appointments; all on the one metadata."""

from crm_bridge.records.desk_tables import accounts, agents, appointments, cases, people

__all__ = ["accounts", "agents", "appointments", "cases", "people"]
