"""The emergency message on the line."""
