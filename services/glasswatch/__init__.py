"""glasswatch: watches live channels and catalogue titles for audio and video defects."""

from importlib.metadata import version

__version__ = version("glasswatch")
