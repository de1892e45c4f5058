"""Tables of the desk: appointments."""
