"""Channels that come and go by the control topic."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.decoder_service.programs import command, decoding, ended, environment, glasswatch

if TYPE_CHECKING:
    from tests.integration.decoder_service.bus import Bus


def row(kafka: str, channel: str) -> str:
    """What `channels list` says of the channel, on one line."""
    lines = glasswatch(kafka, "channels", "list").splitlines()
    return " ".join(line for line in lines if line.startswith(channel))


def test_channels_are_added_listed_and_removed(bus: Bus, kafka_address: str, clip: Path) -> None:
    from glasswatch.wire.media import decode_media  # noqa: PLC0415
    from tests.integration.decoder_service.bus import new_channel, wait  # noqa: PLC0415

    before, later, silent = (new_channel() for _ in range(3))
    glasswatch(kafka_address, "channels", "add", before, clip, "--detectors", "silence")
    with socket.create_server(("127.0.0.1", 0)) as listener, decoding(kafka_address) as process:
        try:
            wait(lambda: sorted(bus.read(before)) == ["audio", "facts"])
            url = f"tcp://user:s3cr3t@127.0.0.1:{listener.getsockname()[1]}"
            glasswatch(kafka_address, "channels", "add", silent, url)
            glasswatch(kafka_address, "channels", "add", later, clip)
            wait(lambda: bus.read(later).get("picture-270"))
            wait(lambda: "decoded to its end" in row(kafka_address, later))
            assert "no decoder" in row(kafka_address, silent)
            assert "s3cr3t" not in glasswatch(kafka_address, "channels", "list")
            count = bus.count(later)
            glasswatch(kafka_address, "channels", "add", later, clip)
            wait(lambda: bus.count(later) == 2 * count)
            assert len({decode_media(value).session for value in bus.read(later)["facts"]}) == 1
        finally:
            for channel in (before, later, silent):
                glasswatch(kafka_address, "channels", "remove", channel)
        # One thread waits for an input that says nothing: it must not hold the process.
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert ended(process, 15) == 0
        assert time.monotonic() - began < 10
    assert row(kafka_address, later) == ""


def test_what_cannot_be_done_is_one_line(kafka_address: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("channels: {a: {location: x, detectors: [none]}}")
    for arguments, said in [
        (("channels", "add", "bad id", "x"), "an id is 1 to 100"),
        (("channels", "add", "a", "x", "--detectors", "none"), "no detector is called 'none'"),
        (("decode", "--shard", "3/3"), "is no shard"),
        (("decode", "--channels", tmp_path / "c.yaml"), "no detector is called 'none'"),
        (("decode", "--bootstrap", "127.0.0.1:1"), "cannot reach Kafka at 127.0.0.1:1"),
    ]:
        done = subprocess.run(
            command(*arguments), env=environment(kafka_address), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
