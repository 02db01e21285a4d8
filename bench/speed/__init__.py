"""Speed and memory: what an inspection costs beside decoding alone and beside FFmpeg's filters."""
