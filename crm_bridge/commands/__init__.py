"""One module per command of `hotline`, or family of commands."""
