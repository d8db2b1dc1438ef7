"""Live updates: what happens, told through Redis to whoever follows it.

Redis holds nothing that matters: whoever comes back rereads PostgreSQL.
"""

from api.live.hub import Hub, Item, Listener, Resync
from api.live.publishing import Publisher
from api.live.updates import Topic, Update

__all__ = ["Hub", "Item", "Listener", "Publisher", "Resync", "Topic", "Update"]
