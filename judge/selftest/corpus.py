"""The attack corpus as data: one directory of `judge/attacks/` is one attack.

`attack.toml` holds `number` (its line in docs/threat-model.md), `title`, `quick` (part of the
boot self-test), `covers` (further numbers) and one `[[step]]` per thing to do. A step is a
submission of its own unless `same_lease` says that it is the next test of the one before.
Every key of a step is a field of `Step` below; an unknown key is refused.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from judge.errors import PackageError
from judge.sandbox.base import Cause

ROOT = Path(__file__).resolve().parent.parent / "attacks"
KINDS = ("run", "compile", "pair", "place")
REFUSED = "blocked\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One submission, or one more test of it, and what must come of it."""

    kind: str = "run"  # run, compile, pair (with `validator`) or place (file names only)
    source: str = ""  # a file beside attack.toml; its suffix is the language
    text: str = ""  # a C source given in place, for compile steps
    name: str = "main.c"  # the name `text` gets in the sandbox
    names: tuple[str, ...] = ()  # place: paths that must be refused
    validator: str = ""
    neighbour: str = ""  # runs in a second slot at the same time
    slowdown_max: float = 0  # how much more CPU time beside the neighbour than alone; 0: any
    image: str = "gcc"
    backends: tuple[str, ...] = ()  # where this holds; empty: everywhere
    needs_cgroup: bool = False  # without one, hidden memory is bounded by the areas only
    args: tuple[str, ...] = ()
    stdin_mib: int = 0
    same_lease: bool = False
    repeat: int = 1  # each time as a submission of its own
    validator_secrets: bool = False  # a secret lies in /val meanwhile
    cpu_ms: int = 1000
    wall_ms: int = 3000
    memory_mib: int = 256
    output_kib: int = 64
    processes: int = 64
    collect: tuple[str, ...] = ()

    # What must come of it.
    causes: tuple[Cause, ...] = (Cause.EXITED,)
    exit_codes: tuple[int, ...] = (0,)
    signals: tuple[int, ...] = ()  # empty: any
    stdout: str | None = None  # None: "blocked" where the step is expected to exit with 0
    stdout_when: tuple[Cause, ...] = (Cause.EXITED,)
    stdout_bytes: int | None = None
    stdout_bytes_max: int | None = None
    stderr: str | None = None
    stderr_bytes_max: int | None = None
    cpu_ms_min: int = 0
    cpu_ms_max: int | None = None
    wall_ms_max: int | None = None
    processes_left_min: int = 0
    collected: tuple[str, ...] | None = None
    collected_without: str = ""
    fails: bool = False  # compile: anything but exit 0; place: refused
    log_without: str = ""
    validator_exit_codes: tuple[int, ...] = (42,)
    validator_any: bool = False

    @property
    def expected_stdout(self) -> str | None:
        """Return what must be printed, or None when it does not matter."""
        if self.stdout is not None or self.kind != "run" or self.stdout_bytes is not None:
            return self.stdout
        return REFUSED if Cause.EXITED in self.causes and self.exit_codes == (0,) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One line of the list of attacks, as programs."""

    directory: Path
    number: int
    title: str
    steps: tuple[Step, ...]
    quick: bool = False
    covers: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Return the directory's name, which is how people speak of the attack."""
        return self.directory.name

    def path(self, source: str) -> Path:
        """Return where a source named by a step lies."""
        return (self.directory / source).resolve()


def load_attacks(root: Path = ROOT) -> list[Attack]:
    """Read every attack, in the order of their numbers."""
    return [load_attack(path.parent) for path in sorted(root.glob("*/attack.toml"))]


def load_attack(directory: Path) -> Attack:
    """Read one attack; raises `PackageError` naming the file and the key."""
    file = directory / "attack.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PackageError(f"{file}: {error}") from error
    steps = tuple(_step(file, entry) for entry in data.pop("step", []))
    unknown = sorted(set(data) - {"number", "title", "quick", "covers"})
    if unknown or not steps or "number" not in data or "title" not in data:
        raise PackageError(f"{file}: number, title and [[step]] are needed; unknown: {unknown}")
    return Attack(
        directory=directory,
        number=data["number"],
        title=data["title"],
        steps=steps,
        quick=data.get("quick", False),
        covers=tuple(data.get("covers", ())),
    )


def _step(file: Path, entry: dict[str, Any]) -> Step:
    known = {field.name for field in fields(Step)}
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in known:
            raise PackageError(f"{file}: step: unknown key {key!r}")
        if key in {"causes", "stdout_when"}:
            values[key] = tuple(Cause(item) for item in value)
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
    step = Step(**values)
    if step.kind not in KINDS:
        raise PackageError(f"{file}: step: kind {step.kind!r} is none of {', '.join(KINDS)}")
    for source in (step.source, step.validator, step.neighbour):
        if source and not (file.parent / source).is_file():
            raise PackageError(f"{file}: step: there is no {source}")
    return step
