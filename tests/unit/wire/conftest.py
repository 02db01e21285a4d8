"""The wire formats need the extra `cluster`: without it their tests are left out, except where CI must run all."""

import os

try:
    import glasswatch.wire.payload  # noqa: F401
except ModuleNotFoundError:
    if os.environ.get("CI") == "true":
        raise
    collect_ignore_glob = ["test_*.py"]
