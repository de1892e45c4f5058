"""Secrets and callers are in no log and in no list of processes: `hotline run`, told everything."""

from __future__ import annotations
