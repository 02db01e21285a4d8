from tests.servers import kafka_address, own_cluster, shared_cluster  # noqa: F401 - pytest finds fixtures by name
