"""Voices that are kept: sealed on disk, played to who may, every listening on record, deleted."""
