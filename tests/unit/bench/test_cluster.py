from __future__ import annotations

import json
import socket
import time
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("kafka")

from bench.cluster import capacity, summary
from bench.cluster.capacity import Step, measure_latencies
from bench.cluster.cost import Cost
from bench.cluster.deployment import Deployment
from bench.cluster.live import Feed, Index, LiveSource, index, tables_before
from bench.cluster.measure import TICKS, Load, cpu_seconds, difference, parse_metrics, percentile, settled_lag
from bench.cluster.title import FRAME_RATE, GOP, PERIOD_S, SAMPLE_RATE, Known

from glasswatch.config.channels import load_channels


def test_processor_time_counts_children_and_survives_odd_names() -> None:
    fields = ["S", *["0"] * 10, "10", "20", "3", "4", *["0"] * 30]
    assert cpu_seconds(f"7 (a ) name) {' '.join(fields)}") == 37 / TICKS


def test_what_was_added_counts_new_processes_from_their_start() -> None:
    assert difference({"a": 3.0, "b": 2.0}, {"a": 1.0, "gone": 9.0}) == {"a": 2.0, "b": 2.0}


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_percentiles_lie_between_neighbours(percent: float, expected: float) -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert percentile(values, percent) == pytest.approx(expected)
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))
    assert percentile([], percent) is None


def test_the_load_is_that_of_the_slowest() -> None:
    decoder = 'glasswatch_decoder_lag_seconds{channel="a"} 0.5\nglasswatch_decoder_lag_seconds{channel="b"} 3\n'
    worker = 'glasswatch_worker_lag_seconds{worker="x"} 1\nglasswatch_shed_media_seconds_total{worker="x"} 4\n'
    assert Load.of(map(parse_metrics, [decoder, worker])) == Load(3.0, 4.0)
    assert Load.of([]) == Load(0.0, 0.0)


def test_a_moment_behind_is_no_backlog() -> None:
    assert settled_lag([Load(9, 0), Load(0.1, 0), Load(5, 0), Load(0.2, 0)], 3) == 0.2
    assert settled_lag([Load(0, 0), Load(2.5, 0), Load(5, 0), Load(7, 0)], 3) == 5


@pytest.mark.parametrize(("lag_s", "shed_s", "held"), [(2.0, 0, True), (2.1, 0, False), (0.0, 0.5, False)])
def test_what_is_left_out_is_not_held(lag_s: float, shed_s: float, held: bool) -> None:
    assert Step(1, lag_s, shed_s, {}).held is held


def test_a_period_is_whole_in_every_stream() -> None:
    assert (PERIOD_S * FRAME_RATE / GOP).denominator == 1
    assert (PERIOD_S * SAMPLE_RATE / 1024).denominator == 1


def test_latency_counts_from_where_the_rule_is_met_to_the_first_version() -> None:
    period = float(PERIOD_S)
    feed = Feed("tcp://x", join_s=2.0, position=0, began=100.0)
    known = [Known("black", 1.0, 1.5), Known("freeze", 5.0, 5.5)]
    told = [
        (104.5, {"channel": "a", "defect": "freeze", "position_s": 3.0}),  # 5.0 of the stream, due at 103.5
        (109.0, {"channel": "a", "defect": "freeze", "position_s": 3.0}),
        (104.0, {"channel": "b", "defect": "freeze", "position_s": 3.0}),
        (100.5 + period, {"channel": "a", "defect": "black", "position_s": period - 1.0}),  # due at 99.5 and a period
        (90.0, {"channel": "a", "defect": "black", "position_s": 4.0}),
    ]
    found = measure_latencies(told, {"a": feed}, known, now=98.0 + period + 7)
    assert found.by_defect["freeze"] == pytest.approx([1.0])
    assert found.by_defect["black"] == pytest.approx([1.0])
    assert found.expected == {"black": 1, "freeze": 1}  # The first black was over before the reader joined in.


def test_what_was_not_seen_is_expected_all_the_same() -> None:
    feed = Feed("tcp://x", join_s=0.0, position=0, began=0.0)
    found = measure_latencies([], {"a": feed}, [Known("black", 1.0, 1.0)], now=float(PERIOD_S) * 2)
    assert (found.by_defect, found.expected, found.all) == ({"black": []}, {"black": 2}, [])


def test_bytes_are_due_by_their_time() -> None:
    lies = Index([188, 376, 564], [0.0, 1.0, 1.0], [(0, 0.0)])
    assert [lies.reached(s) for s in (-1.0, 0.0, 0.5, 1.0)] == [188, 376, 376, 564]


def test_readers_join_in_at_the_tables_before_a_key_frame() -> None:
    def packet(pid: int) -> bytes:
        return bytes([0x47, 0x40 | pid >> 8, pid & 0xFF, 0x10]).ljust(188, b"\xff")

    data = packet(256) + packet(17) + packet(0) + packet(4096) + packet(256)
    assert tables_before(data, 4 * 188) == 2 * 188
    assert tables_before(packet(256) * 3, 2 * 188) == 2 * 188


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, a key frame every half."""
    path = tmp_path_factory.mktemp("live") / "live.ts"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg2video", 25, options={"g": "12"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), number, np.uint8), "yuv420p")
            frame.pts = number
            output.mux(video.encode(frame))
        output.mux(video.encode())
    return path


def test_a_live_source_keeps_the_pace_of_its_timestamps(stream: Path) -> None:
    lies = index(stream)
    assert len(lies.joins) > 5
    assert list(lies.due_s) == sorted(lies.due_s)
    with LiveSource(stream) as source:
        source.feed()
        feed = source.feed()
        assert feed.join_s == pytest.approx(lies.joins[2][1])
        host, _, port = feed.address.removeprefix("tcp://").partition(":")
        with socket.create_connection((host, int(port)), 5) as reader:
            until, got = time.monotonic() + 1.0, b""
            reader.settimeout(0.1)
            while time.monotonic() < until:
                try:
                    got += reader.recv(65536)
                except TimeoutError:
                    continue
    sent = feed.position + len(got)
    assert stream.read_bytes()[feed.position :].startswith(got)
    assert lies.reached(feed.join_s + 0.3) <= sent <= lies.reached(feed.join_s + 1.2) < stream.stat().st_size


def test_a_file_of_channels_is_one_that_the_decoder_reads(tmp_path: Path) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(Deployment.channels({"a": "tcp://127.0.0.1:5"}, live=True), "utf-8")
    (channel,) = load_channels(file).values()
    assert (channel.id, channel.location, channel.live) == ("a", "tcp://127.0.0.1:5", True)


def cost(topology: str, channels: int, ours: float) -> Cost:
    cpu_s = {"channel": ours * channels * 10, "kafka": 5.0, "redis": 1.0}
    return Cost(topology, channels, 10.0 * channels, 5.0, 1.0, cpu_s, {"glasswatch.media.audio.v1": 10_000.0})


def test_ratios_are_of_our_own_processes_at_the_same_load() -> None:
    costs = [
        cost("embedded", 1, 0.1),
        cost("fused", 1, 0.2),
        cost("fused", 4, 0.15),
        cost("distributed", 1, 0.5),
        cost("distributed", 4, 0.3),
        cost("embedded", 1, 0.1),
    ]
    assert list(summary.ratios(costs).values()) == pytest.approx([2.0, 2.5, 2.0])
    assert summary.ratios([])["fused/embedded, 1 channel"] is None


def test_tables_tell_what_was_held_and_how_fast() -> None:
    steps = {"fused": [Step(2, 0.1, 0, {"channel": 0.5, "kafka": 0.2}), Step(4, 2.5, 0, {})]}
    assert "Most held: fused 2." in summary.capacity_table(steps).markdown()
    assert "Most held: fused 2 or more." in summary.capacity_table({"fused": steps["fused"][:1]}).markdown()
    assert "| fused, 2 | yes | 0.1 | 0.0 | 0.50 | 0.20 |" in summary.capacity_table(steps).markdown()
    table = summary.latency_table({"fused": capacity.Latencies({"black": [1.0, 2.0]}, {"black": 3})}, 2)
    assert "| fused, all | 2/3 | 1.50 | 1.95 | 2.00 |" in table.markdown()
    written = summary.bytes_table([cost("distributed", 2, 0.1)], {"g": ["glasswatch.media.audio.v1"]}).markdown()
    assert "| glasswatch.media.audio.v1 | 0.50 | 1 |" in written
    costs = [cost("fused", 1, 0.1)]
    assert "| channel | 100.0 |" in summary.process_table(costs, {"kafka": 0.02}).markdown()
    assert "| fused, 1 channel | 0.1000 | 0.5000 |" in summary.cost_table(costs).markdown()
    json.dumps([asdict(c) for c in costs])
