"""A Faust worker: takes records, has them worked on, and acknowledges them when nothing of that can be lost.

Faust by itself acknowledges what was not processed: after an exception, at SIGTERM, in a rebalance. So no record is
acknowledged by Faust here (`HeldEvent`), but by checkpoints only: what came of the records is confirmed by Kafka, then
the state is saved, then the records are acknowledged. Whatever dies in between, records are delivered again, and the
numbering within sessions tells what was handled already.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import faust
from aiokafka.errors import MessageSizeTooLargeError

from glasswatch.core.errors import StoreError, WireError
from glasswatch.ports.state_store import StateStore
from glasswatch.runtime.worker.held import HeldEvent, Pending, record_of
from glasswatch.runtime.worker.pacing import POLL_RECORDS, Pace, paced
from glasswatch.runtime.worker.start import await_topics
from glasswatch.runtime.worker.work import Outgoing, Record, Step, Task, Work, dead_letter, without_value
from glasswatch.telemetry import metrics
from glasswatch.wire import topics
from glasswatch.wire.compression import zstd

log = logging.getLogger(__name__)

R = TypeVar("R")

CHECKPOINT_S = 2.0
"""What a restart handles again is this much, and known as duplicates; events do not wait for checkpoints."""

MOST_PENDING = 64
"""Records that may wait for a checkpoint: with the largest messages half a gigabyte, usually a few megabytes."""

MOST_BUFFERED = 16
"""Records that Faust reads ahead for each agent."""

RETRY_S = (0.2, 5.0)
"""First and longest pause before a store is tried again."""

REVOKE_S = 5.0
"""How long a rebalance waits for a last checkpoint. Without it records are handled again, and known as duplicates."""

STUCK_S = 120.0
"""A record that takes longer is a hang: the process tells that it should be restarted."""


class Moved(Exception):  # noqa: N818 - no error: the partition is somebody else's now
    """The partition was taken away while a record of it was worked on."""


class Worker:
    """Runs one `Work` on what its topics bring."""

    def __init__(self, work: Work, kafka: str, states: StateStore, *, max_message_bytes: int = 8 << 20) -> None:
        """Prepare.

        Args:
            work: What to do.
            kafka: Brokers, `host:port,host:port`.
            states: Where tasks are kept.
            max_message_bytes: Largest message on the topics.
        """
        self._work = work
        self._states = states
        self._tasks: dict[str, Task] = {}
        self._pending = Pending()
        self._pace = Pace(work.topics)
        self._generation = 0
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=work.name)
        self._busy_since: float | None = None
        self._trouble: str | None = "it has no partitions yet"
        self._draining = False
        self._labels = {"worker": work.name}
        self._kafka = kafka
        # Faust makes empty folders where it would keep tables.
        self._folder = tempfile.TemporaryDirectory(prefix="glasswatch-faust-", ignore_cleanup_errors=True)
        self.app = self._make_app(kafka, max_message_bytes)

    def live(self) -> str | None:
        """Why the process should be restarted, None while it is well."""
        since = self._busy_since
        if since is not None and time.monotonic() - since > STUCK_S and self._trouble is None:
            return f"a record has been worked on for more than {STUCK_S:.0f} s"
        return None

    def ready(self) -> str | None:
        """Why it cannot work now, None while it can."""
        return "it is stopping" if self._draining else self._trouble

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain: nothing new is taken, what was done is checkpointed.

        Raises:
            BrokerError: Kafka cannot be reached for minutes, or has not all topics.
            Exception: Whatever ended the worker before.
        """
        with self._folder:
            if await self._kafka_is_there(stop):
                await self._run(stop)

    async def _kafka_is_there(self, stop: asyncio.Event) -> bool:
        """Wait for Kafka and its topics; False when told to stop before."""
        work = self._work
        wanted = {*work.topics, *map(topics.dead_letter, work.topics), *work.results}
        parts = [asyncio.create_task(await_topics(self._kafka, wanted, self._wait)), asyncio.create_task(stop.wait())]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
        if parts[0] in done:
            parts[0].result()
        return not stop.is_set()

    def _wait(self, reason: str) -> None:
        self._trouble = reason

    async def _run(self, stop: asyncio.Event) -> None:
        app = self.app
        await app.start()
        parts = {
            asyncio.create_task(part) for part in (self._until_it_ends(), self._checkpoint_regularly(), stop.wait())
        }
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
            self._draining = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REVOKE_S), self._lock:
                    await self._checkpoint()
        finally:
            for part in parts:
                part.cancel()
            self._generation += 1
            await app.stop()
            self._thread.shutdown(wait=False, cancel_futures=True)
        if app.crash_reason is not None:
            raise app.crash_reason

    async def _until_it_ends(self) -> None:
        while not (self.app.crashed or self.app.should_stop):
            await asyncio.sleep(0.2)

    def _make_app(self, kafka: str, max_message_bytes: int) -> faust.App:
        app = faust.App(
            self._work.group,
            broker=[f"kafka://{address}" for address in kafka.split(",")],
            Event=HeldEvent,
            key_serializer="raw",
            value_serializer="raw",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            store="memory://",
            datadir=self._folder.name,
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            broker_commit_interval=CHECKPOINT_S,
            # A channel's message must fit; more in one fetch would only be memory.
            consumer_max_fetch_size=max_message_bytes,
            consumer_auto_offset_reset="earliest",
            producer_acks=-1,
            producer_linger=0.0,
            producer_max_request_size=max_message_bytes + (1 << 20),
            broker_max_poll_records=POLL_RECORDS if self._work.joins else None,
            stream_buffer_maxsize=MOST_BUFFERED,
            stream_wait_empty=False,
        )
        if self._work.joins:
            # Of this worker alone: the class of its transport stays as it is.
            app.transport.Consumer = paced(app.transport.Consumer, self._pace)  # type: ignore[misc]
        channel = app.topic(*self._work.topics, key_serializer="raw", value_serializer="raw")

        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    await self._take(event)
                except Exception as error:
                    # Faust would start the agent again behind this record, which would so be lost.
                    log.exception("%s cannot go on", self._work.name)
                    await self.app.crash(error)
                    raise

        app.agent(channel, name=self._work.name, concurrency=1)(consume)
        app.on_partitions_revoked.connect(self._revoked)
        app.on_partitions_assigned.connect(self._assigned)
        return app

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """Save what was done, and forget: whoever gets a partition loads its state from the store."""
        try:
            async with asyncio.timeout(REVOKE_S), self._lock:
                await self._checkpoint()
        except TimeoutError:
            log.warning("%s lost its partitions before it could save its state", self._work.name)
        self._generation += 1
        self._forget()
        self._trouble = "its partitions are being assigned"

    def _forget(self) -> None:
        """Forget all that is not saved: its records are not acknowledged, and will be delivered again."""
        self._pending.clear()
        self._pace.clear()
        self._tasks.clear()
        self._tell_load()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self._trouble = None

    async def _take(self, event: HeldEvent) -> None:
        """Work on one record; returns without having done so where the partition has been taken away."""
        generation = self._generation
        async with self._lock:
            if self._draining or generation != self._generation:
                return
            self._busy_since = time.monotonic()
            try:
                await self._process(event, generation)
            except BaseException as error:
                # The record may be half done: a checkpoint of that would make it a duplicate when it comes again.
                self._forget()
                if isinstance(error, Moved):
                    return
                raise
            finally:
                self._busy_since = None
            if len(self._pending.events) >= MOST_PENDING:
                await self._checkpoint()

    async def _process(self, event: HeldEvent, generation: int) -> None:
        record = record_of(event)
        metrics.WORKER_LAG_SECONDS.labels(**self._labels).set(record.cause.age_s)
        try:
            channel = await self._retry(lambda: self._work.channel(record), generation)
        except Moved:
            raise
        except Exception as error:
            if not isinstance(error, WireError):
                log.exception("%s cannot decode what it should know to be wrong", self._work.name)
            await self._bury(record, error)
            self._hold(event)
            return
        task = self._tasks.get(channel)
        if task is None:
            task = self._tasks[channel] = await self._retry(lambda: self._load(channel), generation)
            self._tell_load()
        before = task.version
        try:
            with metrics.WORKER_HANDLE_SECONDS.labels(**self._labels).time():
                step = await self._retry(lambda: self._work.step(task, record), generation)
        except Moved:
            raise
        except Exception as error:
            log.exception("%s failed on %s", self._work.name, channel)
            step = Step("failed", failure=error)
        if step.waits:
            self._pending.wait(channel, event)
        else:
            await self._conclude(record, step)
            self._pending.events.append(event)
        for earlier, its in step.done:
            await self._conclude(earlier, its)
            self._pending.done(earlier.place)
        if task.version != before:
            self._pending.dirty.add(channel)
        self._pace.note(channel, (record.topic, record.partition), step.ahead)
        self._tell_load()

    async def _conclude(self, record: Record, step: Step) -> None:
        """Do what a step asks for."""
        metrics.WORKER_MESSAGES.labels(**self._labels, outcome=step.outcome).inc()
        for outgoing in step.outgoing:
            self._pending.sent.append(await self._send(outgoing))
        if step.failure is not None:
            await self._bury(record, step.failure)

    def _hold(self, event: HeldEvent) -> None:
        self._pending.events.append(event)
        self._tell_load()

    def _tell_load(self) -> None:
        metrics.WORKER_CHANNELS.labels(**self._labels).set(len(self._tasks))
        metrics.WORKER_UNACKNOWLEDGED.labels(**self._labels).set(self._pending.records)

    def _load(self, channel: str) -> Task:
        task = self._work.task(channel)
        saved = self._states.load(channel, self._work.name)
        if saved is not None:
            try:
                task.restore(zstd.decompress(saved))
            except (ValueError, TypeError, KeyError, zstd.ZstdError) as error:
                log.warning("%s starts afresh on %s: its state does not fit: %s", self._work.name, channel, error)
                self._states.forget(channel, self._work.name)
                return self._work.task(channel)
        return task

    async def _bury(self, record: Record, error: Exception) -> None:
        log.warning(
            "%s: record %s/%d/%d goes to the dead-letter topic: %s",
            self._work.name,
            record.topic,
            record.partition,
            record.offset,
            error,
        )
        metrics.WORKER_MESSAGES.labels(**self._labels, outcome="dead_letter").inc()
        letter = dead_letter(record, topics.dead_letter(record.topic), error)
        try:
            await (await self._send(letter))
        except MessageSizeTooLargeError:
            # With its headers it is more than its topic takes, and nobody else's messages must wait for that.
            await (await self._send(without_value(letter)))

    async def _send(self, outgoing: Outgoing) -> Awaitable[Any]:
        sent: Awaitable[Any] = await self.app.producer.send(
            outgoing.topic,
            outgoing.key,
            outgoing.value,
            partition=None,
            timestamp=None,
            headers=outgoing.headers,
        )
        return sent

    async def _checkpoint_regularly(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            if self._pending.events:
                async with self._lock:
                    await self._checkpoint()

    async def _checkpoint(self) -> None:
        """Make sure that what was done is not lost, then acknowledge it; the caller holds the lock."""
        pending, generation = self._pending, self._generation
        if not pending.events:
            return
        with metrics.WORKER_CHECKPOINT_SECONDS.labels(**self._labels).time():
            await asyncio.gather(*pending.sent)
            pending.sent.clear()
            try:
                for channel in sorted(pending.dirty):
                    if not await self._retry(partial(self._save, channel), generation):
                        log.warning("%s: another worker has %s now", self._work.name, channel)
                        del self._tasks[channel]
                        pending.give_away(channel)
            except Moved:
                return
        pending.confirm()
        self._tell_load()

    def _save(self, channel: str) -> bool:
        task = self._tasks[channel]
        return self._states.save(channel, self._work.name, task.version, zstd.compress(task.snapshot(), 1))

    async def _retry(self, call: Callable[[], R], generation: int) -> R:
        """The call's result, tried until its store answers; Moved where the partition is taken away meanwhile."""
        pause, longest = RETRY_S
        while True:
            try:
                result = await asyncio.get_running_loop().run_in_executor(self._thread, call)
            except StoreError as error:
                self._trouble = str(error)
                log.warning("%s waits: %s", self._work.name, error)
            else:
                if generation == self._generation:
                    self._trouble = None
                    return result
            if generation != self._generation or self._draining:
                raise Moved
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
