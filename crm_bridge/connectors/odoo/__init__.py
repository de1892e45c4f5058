"""Odoo 14 to 18 over its JSON-RPC interface; docs/connectors/odoo.md is for administrators."""
