"""Real PostgreSQL and Redis servers as children of this process, from wheels or the system."""

from api.embedded.postgres import Postgres
from api.embedded.redis import Redis

__all__ = ["Postgres", "Redis"]
