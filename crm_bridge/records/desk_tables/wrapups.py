"""Tables of the desk: wrapups."""
