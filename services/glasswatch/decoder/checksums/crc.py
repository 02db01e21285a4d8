"""Cyclic redundancy checks as the codecs define them, most significant bit first."""

from __future__ import annotations

from fastcrc import crc16, crc32


def crc32_04c11db7(data: bytes, register: int = 0) -> int:
    """The register of CRC-32 (polynomial 0x04C11DB7) after `data`."""
    return crc32.mpeg_2(data, register)


def crc16_8005(data: bytes, register: int = 0) -> int:
    """The register of CRC-16 (polynomial 0x8005) after `data`."""
    return crc16.umts(data, register)


def crc16_8005_bits(value: int, count: int, register: int) -> int:
    """`crc16_8005` of the `count` lowest bits of `value`, highest first; for the few that fill no byte."""
    for shift in range(count - 1, -1, -1):
        carry = register >> 15 ^ value >> shift & 1
        register = register << 1 & 0xFFFF ^ (0x8005 if carry else 0)
    return register
