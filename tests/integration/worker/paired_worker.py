"""The worker of `tests.paired`, as `glasswatch detect` runs those of the detectors that are registered."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os

from glasswatch.runtime.worker.detector_work import DetectorWork
from glasswatch.runtime.worker.run import Surroundings, _serve
from tests.paired import Paired, make_paired


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs=2)
    parser.add_argument("--health-port", type=int)
    logging.basicConfig(level=logging.INFO)
    around = Surroundings(
        os.environ["GLASSWATCH_KAFKA"], os.environ["GLASSWATCH_REDIS"], health_port=parser.parse_args().health_port
    )
    asyncio.run(_serve(DetectorWork(Paired.spec, make_paired), around))


if __name__ == "__main__":
    main()
