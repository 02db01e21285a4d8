from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.errors import WireError
from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.message import MediaMessage
from glasswatch.v1 import media_pb2
from glasswatch.wire.media import decode_media, encode_media
from glasswatch.wire.payload import MOST_BYTES
from tests.support import audio_chunks, frame_chunks
from tests.unit.wire import strategies

ALL_INLINE = 1 << 30
RNG = np.random.default_rng(1)


def assert_same(before: object, after: object) -> None:
    """Equality by field, arrays by dtype, shape and bit pattern."""
    assert type(before) is type(after)
    if dataclasses.is_dataclass(before):
        for field in dataclasses.fields(before):
            assert_same(getattr(before, field.name), getattr(after, field.name))
    elif isinstance(before, np.ndarray):
        assert isinstance(after, np.ndarray)
        assert (before.dtype, before.shape, before.tobytes()) == (after.dtype, after.shape, after.tobytes())
    elif isinstance(before, tuple):
        assert isinstance(after, tuple)
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert_same(one, other)
    else:
        assert before == after


def picture(bit_depth: int = 8) -> FrameChunk:
    luma = RNG.integers(0, 1 << bit_depth, (4, 9, 7))
    chroma = RNG.integers(0, 1 << bit_depth, (4, 5, 4))
    (chunk,) = frame_chunks(luma, (chroma, chroma), bit_depth=bit_depth)
    return chunk


def sound() -> AudioChunk:
    (chunk,) = audio_chunks(RNG.standard_normal((2, 500)))
    return chunk


PICTURE, DEEP, SOUND = picture(), picture(10), sound()


def message(unit: FrameChunk | AudioChunk) -> MediaMessage:
    return MediaMessage("news", 7, unit.rendition, 3, unit)


def altered(unit: FrameChunk | AudioChunk, change: Callable[[media_pb2.MediaMessage], object]) -> bytes:
    """The encoded unit with something changed that the encoder would never write."""
    wire = media_pb2.MediaMessage.FromString(encode_media(message(unit), ALL_INLINE).value)
    change(wire)
    return wire.SerializeToString()


@given(strategies.media_messages())
def test_round_trip_loses_nothing(before: MediaMessage) -> None:
    assert_same(before, decode_media(encode_media(before, ALL_INLINE).value))


@pytest.mark.parametrize("bit_depth", [8, 10, 16])
def test_views_with_strides_are_carried(bit_depth: int) -> None:
    chunk = picture(bit_depth)
    strided = dataclasses.replace(chunk, planes=tuple(plane[:, ::2, ::-1] for plane in chunk.planes))
    after = decode_media(encode_media(message(strided), ALL_INLINE).value).unit
    assert isinstance(after, FrameChunk)
    for one, other in zip(strided.planes, after.planes, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("unit", [PICTURE, DEEP, SOUND], ids=["picture", "deep", "sound"])
def test_decoded_arrays_are_read_only(unit: FrameChunk | AudioChunk) -> None:
    after = decode_media(encode_media(message(unit), ALL_INLINE).value).unit
    arrays = after.planes if isinstance(after, FrameChunk) else [after.samples]  # type: ignore[union-attr]
    assert not any(array.flags.writeable for array in arrays)


def test_flat_pictures_take_next_to_nothing() -> None:
    ramp = np.broadcast_to(np.arange(480, dtype=np.uint8), (10, 270, 480))
    (chunk,) = frame_chunks(ramp, chunk=10)
    assert len(encode_media(message(chunk), ALL_INLINE).value) < ramp.size / 500


@pytest.mark.parametrize("unit", [PICTURE, DEEP, SOUND], ids=["picture", "deep", "sound"])
def test_raw_payloads_are_read(unit: FrameChunk | AudioChunk) -> None:
    arrays = unit.planes if isinstance(unit, FrameChunk) else (unit.samples,)
    raw = b"".join(array.tobytes() for array in arrays)

    def as_raw(wire: media_pb2.MediaMessage) -> None:
        payload = wire.frames.payload if isinstance(unit, FrameChunk) else wire.audio.payload
        payload.CopyFrom(media_pb2.Payload(encoding=media_pb2.PAYLOAD_ENCODING_RAW, data=raw))

    assert_same(unit, decode_media(altered(unit, as_raw)).unit)


@pytest.mark.parametrize("unit", [PICTURE, SOUND], ids=["picture", "sound"])
def test_large_payload_is_detached_under_a_key_of_its_content(unit: FrameChunk | AudioChunk) -> None:
    encoded, again = encode_media(message(unit), 100), encode_media(message(unit), 100)
    assert encoded.detached is not None
    assert encoded.detached == again.detached
    assert len(encoded.value) < 1000
    store = {encoded.detached.key: encoded.detached.data}
    assert_same(message(unit), decode_media(encoded.value, store.__getitem__))


def test_detached_payload_that_was_replaced_is_refused() -> None:
    encoded = encode_media(message(PICTURE), 100)
    assert encoded.detached is not None
    wrong = encoded.detached.data[:-1] + b"?"
    with pytest.raises(WireError, match="something else"):
        decode_media(encoded.value, lambda _: wrong)
    with pytest.raises(WireError, match="there is none"):
        decode_media(encoded.value)


def test_stored_payload_beyond_the_limit_is_not_fetched() -> None:
    wire = media_pb2.MediaMessage.FromString(encode_media(message(PICTURE), 100).value)
    wire.frames.payload.reference.stored_bytes = MOST_BYTES + 1
    with pytest.raises(WireError, match="limit"):
        decode_media(wire.SerializeToString(), lambda key: pytest.fail(f"{key} was fetched"))


def test_error_of_the_store_is_not_blamed_on_the_message() -> None:
    encoded = encode_media(message(PICTURE), 100)

    def expired(key: str) -> bytes:
        raise LookupError(key)

    with pytest.raises(LookupError):
        decode_media(encoded.value, expired)


def test_identity_ignores_where_the_payload_lies_but_not_what_the_message_is() -> None:
    chunk = PICTURE
    one = encode_media(message(chunk), ALL_INLINE)
    assert one.identity == encode_media(message(chunk), 100).identity
    later = dataclasses.replace(message(chunk), sequence=4)
    assert one.identity != encode_media(later, ALL_INLINE).identity


@given(st.binary(max_size=200))
def test_random_bytes_decode_or_raise_wire_error(raw: bytes) -> None:
    assert strategies.kept(decode_media, raw) == raw


@given(st.data())
def test_damaged_message_decodes_or_raises_wire_error(data: st.DataObject) -> None:
    value = bytearray(encode_media(message(data.draw(st.sampled_from([PICTURE, SOUND]))), ALL_INLINE).value)
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    del value[data.draw(st.integers(0, len(value))) :]
    assert strategies.kept(decode_media, bytes(value)) == bytes(value)


def set_shape(lines: int, columns: int) -> Callable[[media_pb2.MediaMessage], object]:
    def change(wire: media_pb2.MediaMessage) -> None:
        wire.frames.planes[0].lines, wire.frames.planes[0].columns = lines, columns

    return change


def clear_payload(wire: media_pb2.MediaMessage) -> None:
    wire.frames.payload.ClearField("content")


def add_frames(wire: media_pb2.MediaMessage) -> None:
    wire.frames.frames.extend([wire.frames.frames[0]] * 2000)


def add_planes(wire: media_pb2.MediaMessage) -> None:
    wire.frames.planes.extend([media_pb2.PlaneShape(components=1)] * 1_000_000)


def end_early(wire: media_pb2.MediaMessage) -> None:
    wire.frames.frames[0].end.numerator = -1


BAD_PICTURES = {
    "larger than its payload": (set_shape(10, 7), "holds"),
    "smaller than its payload": (set_shape(8, 7), "no single zstd frame"),
    "gigantic": (set_shape(1 << 31, 1 << 31), "limit"),
    "gigantic in one direction": (set_shape(1, MOST_BYTES), "limit"),
    "gigantic but empty": (set_shape(1 << 31, 0), "limit"),
    "a million empty planes": (add_planes, "limit"),
    "four components": (lambda wire: setattr(wire.frames.planes[0], "components", 4), "components"),
    "no payload": (clear_payload, "missing"),
    "too many frames": (add_frames, "frames"),
    "frame ends before it starts": (end_early, "before it starts"),
    "no sample format": (lambda wire: wire.frames.ClearField("sample_format"), "sample format"),
    "sample format of a later schema": (lambda wire: setattr(wire.frames, "sample_format", 9), "sample format"),
    "encoding of a later schema": (lambda wire: setattr(wire.frames.payload, "encoding", 9), "encoding"),
    "12 bits in 8": (lambda wire: setattr(wire.frames, "bit_depth", 12), "bits"),
    "time without denominator": (lambda wire: wire.frames.frames[0].pts.ClearField("denominator"), "denominator"),
    "nothing in it": (lambda wire: wire.ClearField("frames"), "nothing"),
}


@pytest.mark.parametrize(("change", "complaint"), BAD_PICTURES.values(), ids=BAD_PICTURES)
def test_impossible_picture_is_refused(change: Callable[[media_pb2.MediaMessage], object], complaint: str) -> None:
    raw = altered(PICTURE, change)
    with pytest.raises(WireError, match=complaint) as caught:
        decode_media(raw)
    assert caught.value.raw == raw


BAD_SOUNDS = {
    "more samples than its payload": (lambda wire: setattr(wire.audio, "samples", 501), "holds"),
    "gigantic": (lambda wire: setattr(wire.audio, "samples", (1 << 32) - 1), "limit"),
    "a million channels": (lambda wire: wire.audio.channels.extend(["FL"] * 1_000_000), "channels"),
    "no rate": (lambda wire: wire.audio.ClearField("rate"), "rate"),
    "lines": (lambda wire: setattr(wire.audio.payload, "encoding", 3), "lines"),
}


@pytest.mark.parametrize(("change", "complaint"), BAD_SOUNDS.values(), ids=BAD_SOUNDS)
def test_impossible_sound_is_refused(change: Callable[[media_pb2.MediaMessage], object], complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        decode_media(altered(SOUND, change))


def test_bomb_expands_no_further_than_its_declared_shape() -> None:
    (chunk,) = frame_chunks(np.zeros((10, 1000, 1000), np.uint8), chunk=10)
    with pytest.raises(WireError, match="no single zstd frame of 70 bytes"):
        decode_media(altered(chunk, set_shape(1, 7)))


def test_time_beyond_64_bits_is_not_published() -> None:
    chunk = dataclasses.replace(SOUND, start=Fraction(1, (1 << 63) + 1))
    with pytest.raises(ValueError, match="range"):
        encode_media(message(chunk), ALL_INLINE)


def test_planes_of_another_length_than_the_times_are_not_published() -> None:
    chunk = PICTURE
    with pytest.raises(ValueError, match="4 frames"):
        encode_media(message(dataclasses.replace(chunk, planes=(chunk.planes[0][:3],))), ALL_INLINE)


def test_sound_of_another_form_than_its_channels_is_not_published() -> None:
    with pytest.raises(ValueError, match="1 channels"):
        encode_media(message(dataclasses.replace(SOUND, channels=("FC",))), ALL_INLINE)
