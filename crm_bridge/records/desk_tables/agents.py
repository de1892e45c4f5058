"""Tables of the desk: agents."""
