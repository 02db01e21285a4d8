"""FFmpeg's filters with the settings that they are compared with."""

from __future__ import annotations

VIDEO_FILTERS = "blackdetect=d=0.1,freezedetect=n=-60dB:d=0.4"
SOUND_FILTERS = "silencedetect=n=-60dB:d=0.3,ebur128=peak=true:framelog=quiet"
# An angle of 120 degrees is a correlation of -0.5; resampling keeps its need of stereo from the other filters.
PHASE_FILTERS = "aresample=out_chlayout=stereo,aphasemeter=video=0:phasing=1:angle=120:duration=0.5"
