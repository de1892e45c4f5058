"""The wallboard: the floor of now and the figures of today on a screen that all can read."""
