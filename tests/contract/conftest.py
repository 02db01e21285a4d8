from tests.servers import redis_address, shared_cluster  # noqa: F401 - pytest finds fixtures by name
