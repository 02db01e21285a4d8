"""The worker's promise, without a broker: what is half done is neither saved nor acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from glasswatch.adapters.memory_store import MemoryStateStore
from glasswatch.core.errors import StoreError, WireError
from glasswatch.runtime.worker.work import Outgoing, Record, Step, Task
from glasswatch.runtime.worker.worker import Worker


@dataclass(slots=True)
class Counting:
    """A task that counts."""

    version: int = 0

    def snapshot(self) -> bytes:
        return str(self.version).encode()

    def restore(self, data: bytes) -> None:
        self.version = int(data)


@dataclass(slots=True)
class Scripted:
    """Work that does to a record what its value says; a `Work`."""

    name: str = "scripted"
    group: str = "glasswatch-scripted"
    topics: Sequence[str] = ("in",)
    joins: bool = False
    results: Sequence[str] = ("out",)
    store_answers: bool = True
    waiting: list[Record] = field(default_factory=list)

    def channel(self, record: Record) -> str:
        if record.value == b"poison":
            raise WireError("poison", b"poison")
        if record.value == b"unforeseen":
            raise ZeroDivisionError("nobody thought of that")
        return "news"

    def task(self, channel: str) -> Counting:
        return Counting()

    def step(self, task: Task, record: Record) -> Step:
        assert isinstance(task, Counting)
        task.version += 1
        if not self.store_answers:
            raise StoreError("the store does not answer")
        if record.value == b"crash":
            raise ValueError("what a crash")
        if record.value == b"wait":
            self.waiting.append(record)
            return Step("waits", waits=True)
        if record.value == b"go on":
            done, self.waiting = [*self.waiting, record], []
            said = [Step("handled", (Outgoing("out", b"news", str(r.offset).encode(), []),)) for r in done]
            return Step("waits", waits=True, done=tuple(zip(done, said, strict=True)))
        return Step("handled", (Outgoing("out", b"news", record.value or b"", []),))


@dataclass(slots=True)
class Message:
    value: bytes
    offset: int
    topic: str = "in"
    partition: int = 0
    key: bytes = b"news"
    headers: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Held:
    """A record that tells whether it was acknowledged."""

    message: Message
    confirmed: bool = False

    def confirm(self) -> None:
        self.confirmed = True


@dataclass(slots=True)
class Stand:
    """A worker with nothing real around it."""

    work: Scripted
    worker: Worker
    states: MemoryStateStore
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    async def send(self, topic: str, key: bytes, value: bytes, **_: Any) -> asyncio.Future[None]:
        self.sent.append((topic, value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def take(self, *values: bytes) -> list[Held]:
        events = [Held(Message(value, offset)) for offset, value in enumerate(values)]
        for event in events:
            await self.worker._take(event)  # type: ignore[arg-type]
        return events

    async def checkpoint(self) -> None:
        await self.worker._checkpoint()

    def saved(self) -> int | None:
        """How many records are in the saved state, None where there is none."""
        if self.states.load("news", "scripted") is None:
            return None
        return self.worker._load("news").version


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    work, states = Scripted(), MemoryStateStore()
    worker = Worker(work, "127.0.0.1:1", states)
    made = Stand(work, worker, states)
    monkeypatch.setattr(type(worker.app), "producer", made)
    yield made
    worker._thread.shutdown()
    worker._folder.cleanup()


def test_a_checkpoint_saves_and_acknowledges_what_was_done(stand: Stand) -> None:
    async def story() -> None:
        events = await stand.take(b"one", b"two")
        assert stand.sent == [("out", b"one"), ("out", b"two")]
        assert not any(event.confirmed for event in events)
        assert stand.saved() is None
        await stand.checkpoint()
        assert all(event.confirmed for event in events)
        assert stand.saved() == 2

    asyncio.run(story())


def test_a_record_that_waits_is_acknowledged_when_it_is_done_and_nothing_behind_it_before(stand: Stand) -> None:
    async def story() -> None:
        before, waiting, behind = await stand.take(b"one", b"wait", b"two")
        await stand.checkpoint()
        assert stand.saved() == 3
        assert (before.confirmed, waiting.confirmed, behind.confirmed) == (True, False, False)
        elsewhere = Held(Message(b"three", 0, topic="other"))
        last = Held(Message(b"go on", 3))
        await stand.worker._take(elsewhere)  # type: ignore[arg-type]
        await stand.worker._take(last)  # type: ignore[arg-type]
        assert stand.sent[-2:] == [("out", b"1"), ("out", b"3")]
        assert not waiting.confirmed
        await stand.checkpoint()
        assert all(event.confirmed for event in (waiting, behind, elsewhere, last))
        assert stand.worker._pending.records == 0

    asyncio.run(story())


def test_what_waits_of_a_channel_that_another_worker_has_is_let_go(stand: Stand) -> None:
    async def story() -> None:
        (waiting, behind) = await stand.take(b"wait", b"two")
        stand.states.save("news", "scripted", 100, b"")
        await stand.checkpoint()
        assert waiting.confirmed
        assert behind.confirmed
        assert stand.worker._pending.records == 0

    asyncio.run(story())


def test_a_partition_that_is_taken_away_takes_along_what_waits(stand: Stand) -> None:
    async def story() -> None:
        (waiting, behind) = await stand.take(b"wait", b"two")
        await stand.worker._revoked()
        assert not waiting.confirmed
        assert not behind.confirmed
        assert stand.worker._pending.records == 0

    asyncio.run(story())


def test_a_record_that_is_half_done_when_it_stops_is_not_saved(stand: Stand) -> None:
    async def story() -> None:
        (first,) = await stand.take(b"one")
        stand.work.store_answers = False
        taking = asyncio.create_task(stand.take(b"two"))
        while (stand.worker.ready() or "") != "the store does not answer":
            await asyncio.sleep(0.01)
        stand.worker._draining = True
        (second,) = await taking
        stand.work.store_answers = True
        await stand.checkpoint()
        assert stand.saved() is None, "its task had counted the record already"
        assert not first.confirmed
        assert not second.confirmed

    asyncio.run(story())


def test_a_record_that_is_half_done_when_its_partition_goes_is_not_saved(stand: Stand) -> None:
    async def story() -> None:
        stand.work.store_answers = False
        taking = asyncio.create_task(stand.take(b"one"))
        await asyncio.sleep(0.05)
        stand.worker._generation += 1
        (event,) = await taking
        stand.work.store_answers = True
        await stand.checkpoint()
        assert (stand.saved(), event.confirmed) == (None, False)

    asyncio.run(story())


def test_an_unexpected_error_leaves_nothing_acknowledged(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        (first,) = await stand.take(b"one")

        async def refuse(*_: Any, **__: Any) -> None:
            raise OSError("no way out")

        monkeypatch.setattr(stand.worker, "_send", refuse)
        with pytest.raises(OSError, match="no way out"):
            await stand.take(b"two")
        await stand.checkpoint()
        assert (stand.saved(), first.confirmed) == (None, False)

    asyncio.run(story())


@pytest.mark.parametrize("bad", [b"poison", b"unforeseen", b"crash"])
def test_a_bad_record_is_a_dead_letter_and_the_stream_goes_on(stand: Stand, bad: bytes) -> None:
    async def story() -> None:
        events = await stand.take(b"one", bad, b"two")
        await stand.checkpoint()
        assert stand.sent == [("out", b"one"), ("in.dlq", bad), ("out", b"two")]
        assert all(event.confirmed for event in events)

    asyncio.run(story())


def test_a_state_that_does_not_fit_is_no_reason_to_stop(stand: Stand) -> None:
    async def story() -> None:
        stand.states.save("news", "scripted", 0, b"no number")
        await stand.take(b"one")
        await stand.checkpoint()
        assert stand.saved() == 1

    asyncio.run(story())
