"""What a self-test found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackResult:
    """One attack: `problems` says what got through, `skipped` why something was not tried.

    `tried` is how many of its steps were carried out.
    """

    number: int
    name: str
    seconds: float
    tried: int
    problems: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Tell whether the attack reached anything it should not have."""
        return bool(self.problems)

    def to_json(self) -> dict[str, object]:
        """Return one line of the machine-readable report."""
        return {
            "attack": self.name,
            "succeeded": self.succeeded,
            "problems": list(self.problems),
            "skipped": list(self.skipped),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestReport:
    """Every attack that was tried on one backend."""

    backend: str
    results: tuple[AttackResult, ...]
    seconds: float

    @property
    def attacks(self) -> int:
        """Return how many attacks were carried out, at least in part."""
        return sum(result.tried > 0 for result in self.results)

    @property
    def succeeded(self) -> tuple[str, ...]:
        """Return the names of the attacks that succeeded."""
        return tuple(result.name for result in self.results if result.succeeded)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what could not be tried here, and why."""
        return tuple(f"{r.name}: {why}" for r in self.results for why in r.skipped)

    @property
    def ok(self) -> bool:
        """Tell whether something was tried and nothing got through."""
        return self.attacks > 0 and not self.succeeded

    def to_json(self) -> dict[str, object]:
        """Return the last line of the machine-readable report."""
        return {
            "backend": self.backend,
            "attacks": self.attacks,
            "succeeded": len(self.succeeded),
            "seconds": round(self.seconds, 3),
        }
