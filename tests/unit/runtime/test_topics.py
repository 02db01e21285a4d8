from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.detectors.registry import registered
from glasswatch.ports.topics import Topic
from glasswatch.runtime.topics import Action, TopicOptions, apply, declare, in_step, plan

SPECS = [
    DetectorSpec("black", "1", ("black",), (VideoNeed(Planes.PICTURE, lines=270),)),
    DetectorSpec("lip_sync", "1", ("lip_sync", "dub"), (AudioNeed(), VideoNeed(Planes.PICTURE, lines=270))),
]
OPTIONS = TopicOptions(partitions=6, replication=3)
WANTED = declare(SPECS, OPTIONS)


@dataclass
class FakeAdmin:
    """A broker in a dictionary, which like a broker refuses what cannot be done."""

    there: dict[str, Topic] = field(default_factory=dict)

    def topics(self) -> list[Topic]:
        return list(self.there.values())

    def create(self, wanted: Sequence[Topic]) -> None:
        for topic in wanted:
            assert topic.name not in self.there
            self.there[topic.name] = replace(topic, config={"compression.type": "producer", **topic.config})

    def raise_partitions(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            assert count > self.there[name].partitions
            self.there[name] = replace(self.there[name], partitions=count)

    def configure(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        for name, changed in settings.items():
            self.there[name] = replace(self.there[name], config={**self.there[name].config, **changed})


def filled(**changed: Topic) -> FakeAdmin:
    admin = FakeAdmin()
    admin.create([changed.get(topic.name, topic) for topic in WANTED])
    return admin


def actions(admin: FakeAdmin, wanted: Sequence[Topic] = WANTED) -> dict[str, Action]:
    """What would be done, but for topics that are kept."""
    return {s.topic.name: s.action for s in plan(wanted, admin.topics()) if s.action is not Action.KEEP}


def test_declaration_covers_what_services_publish_and_consume() -> None:
    media = ["audio", "facts", "picture-270"]
    consumed = [f"glasswatch.media.{name}.v1" for name in media]
    consumed += ["glasswatch.detections.black.v1", "glasswatch.detections.lip_sync.v1", "glasswatch.control.v1"]
    expected = [*consumed, *(f"{name}.dlq" for name in consumed)]
    expected += [f"glasswatch.defects.{name}.v1" for name in ("black", "dub", "lip_sync")]
    assert [topic.name for topic in WANTED] == sorted(expected)


def test_every_registered_detector_can_be_declared() -> None:
    specs = [cls.spec for cls in registered().values()]
    names = {topic.name for topic in declare(specs, OPTIONS)}
    assert {f"glasswatch.detections.{spec.name}.v1" for spec in specs} <= names


def test_all_topics_keyed_by_channel_have_equally_many_partitions() -> None:
    assert {topic.partitions for topic in WANTED if ".control." not in topic.name} == {6}
    assert {topic.partitions for topic in WANTED if ".control." in topic.name} == {1}


def test_large_messages_fit_into_media_topics_and_their_dead_letters() -> None:
    large = {topic.name for topic in WANTED if topic.config.get("max.message.bytes") == str(8 << 20)}
    assert large == {topic.name for topic in WANTED if ".media." in topic.name}


def test_media_goes_soon_and_dead_letters_stay() -> None:
    retention = {topic.name: int(topic.config["retention.ms"]) for topic in WANTED}
    assert retention["glasswatch.media.audio.v1"] == 10 * 60_000
    assert retention["glasswatch.media.audio.v1.dlq"] == 7 * 24 * 3_600_000
    assert retention["glasswatch.control.v1"] == -1


def test_segments_close_well_before_their_retention() -> None:
    for topic in WANTED:
        retention, segment = int(topic.config["retention.ms"]), int(topic.config["segment.ms"])
        assert segment > 0
        assert retention < 0 or segment * 4 <= retention


def test_apply_to_an_empty_cluster_creates_everything_and_again_nothing() -> None:
    admin = FakeAdmin()
    steps = plan(WANTED, admin.topics())
    assert {step.action for step in steps} == {Action.CREATE}
    assert not in_step(steps)
    apply(steps, admin)
    assert actions(admin) == {}
    assert in_step(plan(WANTED, admin.topics()))


def test_partitions_are_raised_and_settings_changed_without_touching_others() -> None:
    admin = filled()
    more = declare(SPECS, replace(OPTIONS, partitions=8, media_retention_ms=20 * 60_000))
    steps = {step.topic.name: step for step in plan(more, admin.topics())}
    audio = steps["glasswatch.media.audio.v1"]
    assert (audio.action, audio.partitions) == (Action.CHANGE, 8)
    assert audio.config == {"retention.ms": "1200000", "segment.ms": "300000"}
    assert audio.reasons[0] == "partitions 6 -> 8"
    assert steps["glasswatch.control.v1"].action is Action.KEEP
    apply(list(steps.values()), admin)
    assert actions(admin, more) == {}
    assert admin.there["glasswatch.media.audio.v1"].config["compression.type"] == "producer"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"partitions": 12}, "12 partitions, which Kafka cannot lower to 6"), ({"replication": 1}, "1 replicas, not 3")],
    ids=["partitions", "replicas"],
)
def test_what_cannot_be_changed_is_refused_and_left(changed: dict[str, int], reason: str) -> None:
    name = "glasswatch.media.audio.v1"
    admin = filled(**{name: replace(next(t for t in WANTED if t.name == name), **changed)})
    before = admin.there[name]
    steps = plan(WANTED, admin.topics())
    assert actions(admin) == {name: Action.REFUSE}
    assert reason in next(step for step in steps if step.topic.name == name).reasons[0]
    assert not in_step(steps)
    apply(steps, admin)
    assert admin.there[name] == before


def test_topics_of_others_are_left_and_only_ours_are_mentioned() -> None:
    admin = filled()
    admin.create([Topic("glasswatch.media.old.v1", 1, 1), Topic("orders", 1, 1)])
    steps = plan(WANTED, admin.topics())
    assert actions(admin) == {"glasswatch.media.old.v1": Action.IGNORE}
    assert in_step(steps)
    apply(steps, admin)
    assert {"glasswatch.media.old.v1", "orders"} <= set(admin.there)
