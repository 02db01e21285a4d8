from tests.servers import (  # noqa: F401 - pytest finds fixtures by name
    kafka_address,
    own_cluster,
    redis_address,
    servers,
    shared_cluster,
    triton_address,
)
