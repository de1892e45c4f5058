"""The audit log: its pages and API, for who runs the system and who checks."""
