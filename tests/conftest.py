"""Settings for every test."""

from hypothesis import settings

# Shared machines are too noisy for a deadline on each example; pytest-timeout bounds whole tests.
settings.register_profile("glasswatch", deadline=None)
settings.load_profile("glasswatch")
