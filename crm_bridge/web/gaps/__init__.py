"""The menus of the line and what callers did in them."""
