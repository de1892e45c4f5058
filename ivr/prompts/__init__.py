"""The sounds that the line plays: which there are, where they lie, how a recording becomes one."""
