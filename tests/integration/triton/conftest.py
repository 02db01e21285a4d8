from tests.servers import own_cluster, shared_cluster, triton_address  # noqa: F401 - pytest finds fixtures by name
