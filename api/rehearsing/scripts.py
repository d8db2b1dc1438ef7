"""Who hands in what when: from a recording, or invented from the shipped problems' programs."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judge.errors import UsageError
from judge.images import ROOT
from judge.verdicts import Verdict

SOURCE_MAX = 65_536
RECORDING_MAX = 256 * 1024 * 1024
# Quick to start: a rehearsal measures the service, not compilers.
LANGUAGES = {".py": "python3", ".c": "c", ".cpp": "cpp"}
FOLDERS: Mapping[str, Verdict] = {
    "accepted": Verdict.AC,
    "wrong_answer": Verdict.WA,
    "run_time_error": Verdict.RTE,
}


class Planned(BaseModel):
    """One submission of a script."""

    model_config = ConfigDict(extra="forbid")

    at_s: Annotated[float, Field(ge=0, le=5_184_000, description="Since the start.")]
    player: Annotated[int, Field(ge=0, lt=5000)]
    problem: Annotated[str, Field(min_length=1, max_length=64, description="Slug.")]
    language: Annotated[str, Field(min_length=1, max_length=64)]
    source: Annotated[str, Field(max_length=1_000_000)]
    verdict: Verdict | None = None


class Recording(BaseModel):
    """A script as a file holds it."""

    model_config = ConfigDict(extra="forbid")

    submissions: Annotated[list[Planned], Field(min_length=1, max_length=200_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What kind of script: so many players with so many submissions each, or a file."""

    players: int
    each: int
    recording: Path | None = None
    seed: int = 1


def script(wanted: Wanted, problems: Sequence[str], duration_s: float) -> list[Planned]:
    """Return a script for an event, in order of time; raises `UsageError` when there is none."""
    if wanted.recording is not None:
        made = _recorded(wanted.recording)
        unknown = {each.problem for each in made} - set(problems)
        if unknown:
            raise UsageError(f"recording: the event has no problem {min(unknown)!r}")
    else:
        made = _invented(wanted, problems, duration_s)
    return sorted(made, key=lambda each: each.at_s)


def _recorded(path: Path) -> list[Planned]:
    try:
        if path.stat().st_size > RECORDING_MAX:
            raise UsageError(f"recording: more than {RECORDING_MAX} bytes")
        return Recording.model_validate_json(path.read_bytes()).submissions
    except OSError as error:
        raise UsageError(f"recording: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise UsageError(f"recording: {where}: {first['msg']}") from error


def _invented(wanted: Wanted, problems: Sequence[str], duration_s: float) -> list[Planned]:
    chance = random.Random(wanted.seed)  # noqa: S311 - it is to be the same again
    programs = {name: _programs(name) for name in problems}
    usable = [name for name, found in programs.items() if found]
    if not usable:
        raise UsageError("event: no program is known for any of its problems; give a --recording")
    made = []
    for player in range(wanted.players):
        for _ in range(wanted.each):
            problem = chance.choice(usable)
            language, source, verdict = chance.choice(programs[problem])
            made.append(
                Planned(
                    # The last moment is nobody's: the bell rings there.
                    at_s=chance.random() * duration_s * 0.9,
                    player=player,
                    problem=problem,
                    language=language,
                    source=source,
                    verdict=verdict,
                )
            )
    return made


def _programs(problem: str) -> list[tuple[str, str, Verdict]]:
    """Return language, source and verdict of the single files a shipped problem brings along."""
    found = []
    for folder, verdict in FOLDERS.items():
        for path in sorted((ROOT / "problems" / problem / "submissions" / folder).glob("*.*")):
            language = LANGUAGES.get(path.suffix)
            if language is not None and path.stat().st_size <= SOURCE_MAX:
                found.append((language, path.read_text(encoding="utf-8"), verdict))
    return found
