"""Tables of the desk: people."""
