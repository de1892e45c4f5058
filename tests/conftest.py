"""What holds for every test."""

from hypothesis import settings

# Speed is measured in benchmarks/: on a shared machine a slow example is no fault.
settings.register_profile("hotline", deadline=None)
settings.load_profile("hotline")
