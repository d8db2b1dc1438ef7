"""Live updates: what happens, told through Redis to whoever follows it.

Redis holds nothing that matters: whoever comes back rereads PostgreSQL. Start reading in `keys`.
"""

from api.live.hub import Hub, Item, Listener, Resync
from api.live.publishing import Announcer, Publisher
from api.live.updates import Kind, Topic, Update

__all__ = ["Announcer", "Hub", "Item", "Kind", "Listener", "Publisher", "Resync", "Topic", "Update"]
