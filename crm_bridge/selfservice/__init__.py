"""The desk's side of self-service on the line: what a caller may be told of a case."""
