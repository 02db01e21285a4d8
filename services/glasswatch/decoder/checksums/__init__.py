"""Damage that only a checksum shows.

Decoders conceal what does not fit its checksum, or play it, and say so in a log at most. What a codec protects is
compared here, in the bytes of its packets, independent of decoder and threads.
"""
