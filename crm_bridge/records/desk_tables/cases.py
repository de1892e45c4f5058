"""Tables of the desk: cases."""
