"""Assigning entries to rooms: as many rooms as are needed, balanced in size, guilds and strength.

Pure: the same entries and seed give the same rooms.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An entry that needs a room."""

    entry_id: UUID
    guild_id: UUID | None = None
    rating: int = 1500


def assign(contenders: Collection[Contender], *, room_entries: int, seed: int) -> list[list[UUID]]:
    """Return the rooms with their entries; sizes differ by one at most.

    `room_entries` is how many fit in a room, 0 for one room for all. Entries are dealt in turn,
    guild by guild and the highest rated first: so a guild is spread over as many rooms as it has
    members, and so are the strong of those without one.
    """
    if not contenders:
        return []
    count = 1 if room_entries <= 0 else -(-len(contenders) // room_entries)
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    dealt = _order(contenders, chance)
    rooms: list[list[UUID]] = [[] for _ in range(count)]
    for place, contender in enumerate(dealt):
        rooms[place % count].append(contender.entry_id)
    return rooms


def _order(contenders: Collection[Contender], chance: random.Random) -> Sequence[Contender]:
    guilds: dict[str, list[Contender]] = {}
    for each in sorted(contenders, key=lambda contender: contender.entry_id):
        guilds.setdefault(str(each.guild_id or ""), []).append(each)
    names = sorted(guilds)
    chance.shuffle(names)
    names.sort(key=lambda name: -len(guilds[name]))
    return [
        each
        for name in names
        for each in sorted(
            guilds[name], key=lambda contender: (-contender.rating, contender.entry_id)
        )
    ]
