"""Tables of the desk: messages."""
