"""Groups of submissions that are connected by suspicious pairs."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Submissions of one problem that hang together, and the weakest link that holds them."""

    problem: str
    members: tuple[str, ...]
    weakest: float
    strongest: float


def clusters(problem: str, links: Iterable[tuple[str, str, float]]) -> tuple[Cluster, ...]:
    """Return the groups that links connect, the strongest first."""
    joined = sorted(links, key=lambda one: (-one[2], one[0], one[1]))
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    used: dict[str, list[float]] = {}
    for first, second, score in joined:
        one, other = sorted((find(first), find(second)))
        if one != other:
            root[other] = one
            # Links come by falling score, so the one that joins two groups is the weakest so far.
            used[one] = used.pop(one, []) + used.pop(other, []) + [score]
    groups: dict[str, list[str]] = {}
    for name in sorted(root):
        groups.setdefault(find(name), []).append(name)
    found = [
        Cluster(
            problem=problem,
            members=tuple(members),
            weakest=min(used[head]),
            strongest=max(used[head]),
        )
        for head, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.strongest, one.members)))
