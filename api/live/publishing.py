"""Puts updates into Redis: a capped stream per topic to resume from, and one channel for all."""

from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.live.updates import Update
from api.logs import logger

CHANNEL = "codebattle:updates"
STREAM = "codebattle:stream:"
KEPT_MAX = 512
KEPT_S = 3600
# One round trip, and the channel carries the id the stream gave.
_SCRIPT = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'u', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[5] .. '\\n' .. id .. '\\n' .. ARGV[3])
return id
"""
_log = logger(__name__)


class Publisher:
    """Publishes updates; one that cannot be published is logged, since PostgreSQL has the state."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_SCRIPT)

    async def publish(self, topics: list[str], update: Update) -> None:
        """Publish an update on some topics, in their order."""
        text = update.encode()
        try:
            for topic in topics:
                call: Any = self._script(
                    keys=[STREAM + topic], args=[KEPT_MAX, KEPT_S, text, CHANNEL, topic]
                )
                await cast("Any", call)
        except (RedisError, OSError) as error:
            _log.warning("update.unpublished", kind=update.kind, error=str(error))
