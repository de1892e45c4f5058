"""The menus of the line as data: read, checked, rendered into the dialplan."""
