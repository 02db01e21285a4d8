"""The real servers: that they do what the services rely on, and that nothing is lost or left behind."""

from __future__ import annotations

import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from redis import Redis as RedisClient
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from glasswatch.runtime.cluster import Cluster, ClusterError, Kafka, Redis, State, Triton
from glasswatch.runtime.cluster.kafka import MESSAGE_LIMIT_BYTES
from glasswatch.runtime.cluster.process import Process
from tests.servers import MODELS, Addresses, start_servers


def create_topic(address: str, **settings: str) -> str:
    topic = f"test.{uuid.uuid4().hex}"
    with closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
        admin.create_topics([NewTopic(topic, 2, 1, topic_configs=settings)])
    return topic


def send(address: str, topic: str, *values: bytes) -> None:
    with closing(
        KafkaProducer(bootstrap_servers=address, acks="all", max_request_size=MESSAGE_LIMIT_BYTES)
    ) as producer:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(20)


def receive(address: str, topic: str, count: int) -> list[bytes]:
    """By a consumer group, so that the group coordinator has work too."""
    with closing(
        KafkaConsumer(topic, bootstrap_servers=address, group_id=topic, auto_offset_reset="earliest")
    ) as consumer:
        found: list[bytes] = []
        for _ in range(40):
            found += [record.value for records in consumer.poll(500).values() for record in records]
            if len(found) >= count:
                break
        return sorted(found)


def infer(address: str, rows: np.ndarray) -> np.ndarray:
    with closing(InferenceServerClient(address)) as client:
        x = InferInput("x", rows.shape, "FP32")
        x.set_data_from_numpy(rows)
        return client.infer("identity_scale", [x], client_timeout=20).as_numpy("y")


def stubs(triton: Process) -> list[Process]:
    """The processes in which Triton's Python backend runs models."""
    children = Path(f"/proc/{triton.pid}/task/{triton.pid}/children").read_text().split()
    return [Process.of(int(pid)) for pid in children]


def shared_memory_of(cluster: Cluster) -> list[Path]:
    launch = Triton(MODELS).launch(cluster.folder / "triton", 1)
    assert launch.shared_memory
    return list(Path("/dev/shm").glob(f"{launch.shared_memory}*"))


def test_the_broker_takes_messages_up_to_its_limit(servers: Addresses) -> None:
    topic = create_topic(servers.kafka, **{"max.message.bytes": str(MESSAGE_LIMIT_BYTES)})
    large = bytes(MESSAGE_LIMIT_BYTES - 1024)
    send(servers.kafka, topic, b"small", large)
    assert receive(servers.kafka, topic, 2) == [large, b"small"]


def test_the_broker_creates_no_topic_by_itself(servers: Addresses) -> None:
    with (
        closing(KafkaProducer(bootstrap_servers=servers.kafka, max_block_ms=1000)) as producer,
        pytest.raises(KafkaError),
    ):
        producer.send(f"test.{uuid.uuid4().hex}", b"lost").get(5)


def test_redis_has_streams_and_expiry(servers: Addresses) -> None:
    key = uuid.uuid4().hex
    with closing(RedisClient.from_url(servers.redis)) as client:
        client.xadd(key, {"event": "1"})
        client.expire(key, 60)
        assert client.xlen(key) == 1
        assert 0 < client.ttl(key) <= 60


@pytest.mark.parametrize("shape", [(1, 3), (8, 5)], ids=["one row", "full batch"])
def test_triton_runs_an_onnxruntime_model_unchanged(servers: Addresses, shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(infer(servers.triton, rows), 2 * rows + 1, rtol=1e-6)


def test_triton_gives_each_of_the_requests_of_a_batch_its_own_rows(servers: Addresses) -> None:
    rows = [np.full((1 + n % 2, 4), n, np.float32) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for x, y in zip(rows, pool.map(lambda x: infer(servers.triton, x), rows), strict=True):
            np.testing.assert_array_equal(y, 2 * x + 1)


def test_triton_refuses_a_wrong_input_and_goes_on(servers: Addresses) -> None:
    with pytest.raises(InferenceServerException):
        infer(servers.triton, np.zeros((9, 2), np.float32))
    assert infer(servers.triton, np.zeros((1, 1), np.float32)) == [[1]]


def test_after_kill_9_of_all_nothing_is_lost_and_nothing_is_left(own_cluster: Cluster) -> None:
    all_three = [Redis(), Kafka(), Triton(MODELS)]
    before = start_servers(own_cluster, all_three)
    topic = create_topic(before["kafka"])
    send(before["kafka"], topic, b"one", b"two")
    with closing(RedisClient.from_url(before["redis"])) as client:
        client.set("key", "value")

    for server in all_three:
        process = own_cluster.process(server.name)
        assert process is not None
        children = stubs(process) if server.name == "triton" else []
        for killed in (process, *children):
            killed.kill()
    assert [status.state for status in own_cluster.status(all_three)] == [State.STOPPED] * 3

    assert own_cluster.up(all_three) == before
    assert receive(before["kafka"], topic, 2) == [b"one", b"two"]
    with closing(RedisClient.from_url(before["redis"])) as client:
        assert client.get("key") == b"value"
    assert infer(before["triton"], np.zeros((1, 1), np.float32)) == [[1]]
    assert shared_memory_of(own_cluster)

    assert own_cluster.down() == dict.fromkeys(("triton", "kafka", "redis"), True)
    assert not shared_memory_of(own_cluster)


def test_a_model_whose_process_died_is_not_healthy(own_cluster: Cluster) -> None:
    triton = Triton(MODELS)
    start_servers(own_cluster, [triton])
    process = own_cluster.process("triton")
    assert process is not None
    for stub in stubs(process):
        stub.kill()
    [status] = own_cluster.status([triton])
    assert status.state is State.UNHEALTHY
    assert status.reason is not None
    assert status.reason.startswith("model ")


def test_a_model_that_cannot_be_loaded_is_named_with_the_reason(own_cluster: Cluster, tmp_path: Path) -> None:
    start_servers(own_cluster, [Triton(MODELS)])
    own_cluster.down()
    shutil.copytree(MODELS, tmp_path / "models")
    (tmp_path / "models" / "identity_scale" / "1" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ClusterError, match=r"triton cannot load model identity_scale: .*model\.onnx"):
        own_cluster.up([Triton(tmp_path / "models")])
    assert own_cluster.status([Triton(MODELS)])[0].state is State.STOPPED


def test_a_model_repository_that_is_not_there_is_one_line(own_cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"there is no model repository .*nowhere"):
        own_cluster.up([Triton(tmp_path / "nowhere")])


def test_a_redis_address_without_scheme_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"give redis://HOST:PORT/0"):
        Cluster(tmp_path, given={"GLASSWATCH_REDIS": "127.0.0.1:6379"}).up([Redis()])
