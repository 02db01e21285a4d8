"""Settings for every test."""

import signal

import pytest
from hypothesis import settings

# Shared machines are too noisy for a deadline on each example; pytest-timeout bounds whole tests.
settings.register_profile("glasswatch", deadline=None)
settings.load_profile("glasswatch")


# Under `nohup ... &` SIGINT is ignored, and so it would be by every process that a test starts and then interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make `xdist_group` work: pytest-xdist 3.8 writes it where pytest 9.2 no longer reads it, with no warning."""
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped is not None and item.nodeid != grouped:
            item._id = type(item._id).parse(grouped)
