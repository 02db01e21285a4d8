from __future__ import annotations

import numpy as np
from training.audio_artifacts.labels import Label, is_heard, label

RATE = 16_000
TONE = (0.1 * np.sin(np.arange(4 * RATE))).astype(np.float32)


def _label(error: float, spans: list[tuple[float, float]], first: int = RATE) -> Label:
    noise = np.random.default_rng(1).normal(0, error, len(TONE)).astype(np.float32)
    return label("hiss", TONE, TONE + noise, RATE, spans, first)


def test_outside_there_is_none() -> None:
    assert _label(0.01, [(2.5, 3.0)]) == Label()


def test_a_defect_that_reaches_into_a_second_is_an_edge() -> None:
    assert _label(0.01, [(1.5, 3.0)]) == Label("hiss", is_edge=True)
    assert _label(0.01, [(1.2, 3.0)]) == Label("hiss")


def test_what_can_hardly_be_heard_is_faint() -> None:
    assert _label(0.00001, [(0.0, 4.0)]) == Label("hiss", is_faint=True)


def test_hiss_is_learned_from_where_it_is_heard() -> None:
    rng = np.random.default_rng(0)
    music, hiss = (rng.normal(0, 0.1, 48_000).astype(np.float32) for _ in range(2))
    silence = np.zeros_like(music)

    assert is_heard("hiss", music, music + hiss, 48_000)
    assert not is_heard("hiss", music, music + 0.03 * hiss, 48_000)
    assert is_heard("hiss", silence, 0.03 * hiss, 48_000)
    assert not is_heard("hiss", silence, 0.003 * hiss, 48_000)
