"""Block corruption: the network and the detector on damage of known place, on what resembles it, and on clean media."""
