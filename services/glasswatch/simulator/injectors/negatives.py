"""What resembles a defect and is none."""

from glasswatch.simulator.registry import Injector

INJECTORS: tuple[Injector, ...] = ()
