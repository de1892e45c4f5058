"""What the line does for callers by itself, over FastAGI: the status of a complaint."""
