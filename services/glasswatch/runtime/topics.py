"""All topics from one declaration: what there should be, what there is, what to change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import FactNeed
from glasswatch.ports.topics import Topic, TopicAdmin
from glasswatch.wire import topics

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class TopicOptions:
    """What a deployment chooses.

    Attributes:
        partitions: Partitions of every topic but the control topic: most workers of one detector that share the load.
        replication: Copies of each message, one on a broker.
        max_message_bytes: Largest message on a media topic or its dead-letter topic.
        media_retention_ms: How long media is kept: how far a worker may fall behind before it loses media.
        results_retention_ms: How long detections, events and dead letters are kept.
    """

    partitions: int = 12
    replication: int = 1
    max_message_bytes: int = 8 << 20
    media_retention_ms: int = 10 * MINUTE_MS
    results_retention_ms: int = 7 * DAY_MS


class Action(StrEnum):
    """What becomes of a topic."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REFUSE = "refuse"
    """It differs in what cannot be changed here; somebody must decide."""
    IGNORE = "ignore"
    """It bears the prefix but is not declared: of a detector that is gone, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one topic.

    Attributes:
        action: What is to be done.
        topic: As declared; as it is where it is not declared.
        partitions: How many it gets if that is more than it has.
        config: Settings that change.
        reasons: In words, for a person.
    """

    action: Action
    topic: Topic
    partitions: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def declare(specs: Iterable[DetectorSpec], options: TopicOptions) -> list[Topic]:
    """Every topic that these detectors need, by name; topics that services consume have a dead-letter topic.

    All but the control topic have the same number of partitions and the same key, so that the renditions of a channel
    meet in one worker, and its detections in one aggregator.
    """
    specs = list(specs)
    renditions = {need.rendition for spec in specs for need in spec.needs} | {FactNeed().rendition}
    media = [topics.media(rendition) for rendition in renditions]
    detections = [topics.detections(spec.name) for spec in specs]
    defects = [topics.defects(defect) for spec in specs for defect in spec.defects]
    size = {"max.message.bytes": str(options.max_message_bytes)}
    results = _kept(options.results_retention_ms)
    wanted = {name: {**size, **_kept(options.media_retention_ms)} for name in media}
    wanted |= {topics.dead_letter(name): {**size, **results} for name in media}
    wanted |= dict.fromkeys([*detections, *map(topics.dead_letter, detections), *defects], results)
    # A decoder that starts reads from the beginning which channels there are: control messages are few, and kept.
    wanted |= {topics.CONTROL: _kept(-1), topics.dead_letter(topics.CONTROL): results}
    common = {"cleanup.policy": "delete", "min.insync.replicas": str(max(1, options.replication - 1))}
    single = {topics.CONTROL, topics.dead_letter(topics.CONTROL)}
    return [
        Topic(name, 1 if name in single else options.partitions, options.replication, {**common, **config})
        for name, config in sorted(wanted.items())
    ]


def plan(wanted: Sequence[Topic], existing: Sequence[Topic]) -> list[Step]:
    """What becomes of every declared topic, and of others that bear the prefix; nothing is ever deleted."""
    there = {topic.name: topic for topic in existing}
    declared = {topic.name for topic in wanted}
    others = [there[name] for name in sorted(there) if name.startswith(topics.PREFIX) and name not in declared]
    return [
        *(_step(topic, there.get(topic.name)) for topic in wanted),
        *(Step(Action.IGNORE, topic, reasons=("not declared; left as it is",)) for topic in others),
    ]


def apply(steps: Sequence[Step], admin: TopicAdmin) -> None:
    """Do what the steps say; once done, a new plan has nothing to do."""
    if new := [step.topic for step in steps if step.action is Action.CREATE]:
        admin.create(new)
    if counts := {step.topic.name: step.partitions for step in steps if step.partitions is not None}:
        admin.raise_partitions(counts)
    if settings := {step.topic.name: step.config for step in steps if step.config}:
        admin.configure(settings)


def in_step(steps: Collection[Step]) -> bool:
    """Whether all is as declared."""
    return all(step.action in (Action.KEEP, Action.IGNORE) for step in steps)


def _kept(retention_ms: int) -> dict[str, str]:
    """Retention; a broker deletes whole segments, so that one must be closed well before it is due."""
    segment_ms = DAY_MS if retention_ms < 0 else max(MINUTE_MS, min(DAY_MS, retention_ms // 4))
    return {"retention.ms": str(retention_ms), "segment.ms": str(segment_ms)}


def _step(topic: Topic, actual: Topic | None) -> Step:
    if actual is None:
        return Step(Action.CREATE, topic)
    config = {key: value for key, value in topic.config.items() if actual.config.get(key) != value}
    partitions = topic.partitions if topic.partitions > actual.partitions else None
    refusals = []
    if topic.partitions < actual.partitions:
        refusals.append(f"has {actual.partitions} partitions, which Kafka cannot lower to {topic.partitions}")
    if topic.replication != actual.replication:
        refusals.append(f"has {actual.replication} replicas, not {topic.replication}: reassign its partitions")
    changes = [f"{key} {actual.config.get(key, 'unset')} -> {value}" for key, value in sorted(config.items())]
    if partitions is not None:
        changes.insert(0, f"partitions {actual.partitions} -> {partitions}")
    action = Action.REFUSE if refusals else Action.CHANGE if changes else Action.KEEP
    return Step(action, topic, partitions, config, (*refusals, *changes))
