"""Other services: what they tell us (`inbound`), and what we tell them (`outbox`, `delivery`)."""

from api.neighbours.outbox import announce

__all__ = ["announce"]
