"""What holds for every test."""

from hypothesis import Phase, settings

# Speed is measured in benchmarks/: on a shared machine a slow example is no fault. Explaining a
# failure traces every line of every example before there is one, where Python is older than 3.12.
settings.register_profile(
    "hotline", deadline=None, phases=[phase for phase in Phase if phase is not Phase.explain]
)
settings.load_profile("hotline")
