"""One file for each detector, in `video`, `audio`, `av`, `captions` and `stream`; `registry` finds them."""
