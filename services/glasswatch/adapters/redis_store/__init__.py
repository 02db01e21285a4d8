"""Stores on Redis, see docs/redis.md; needs the extra `cluster`.

Every method makes synchronous calls, from any number of threads, and raises StoreError where Redis cannot be reached in
time or has no room.
"""

from glasswatch.adapters.redis_store.connection import PREFIX, Connection
from glasswatch.adapters.redis_store.events import RedisEventStore
from glasswatch.adapters.redis_store.media import RedisMediaStore
from glasswatch.adapters.redis_store.state import RedisStateStore

__all__ = ["PREFIX", "Connection", "RedisEventStore", "RedisMediaStore", "RedisStateStore"]
