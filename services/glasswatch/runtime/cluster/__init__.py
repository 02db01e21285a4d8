"""Kafka, Redis, Triton and the services on one machine without Docker: started, watched and stopped."""

from glasswatch.runtime.cluster.cluster import Cluster, State, Status
from glasswatch.runtime.cluster.kafka import Kafka
from glasswatch.runtime.cluster.redis import Redis
from glasswatch.runtime.cluster.server import ClusterError, Launch, Server, Unhealthy
from glasswatch.runtime.cluster.services import Service
from glasswatch.runtime.cluster.triton import Triton

__all__ = [
    "Cluster",
    "ClusterError",
    "Kafka",
    "Launch",
    "Redis",
    "Server",
    "Service",
    "State",
    "Status",
    "Triton",
    "Unhealthy",
]
