from tests.servers import own_cluster, redis_address, shared_cluster  # noqa: F401 - pytest finds fixtures by name
