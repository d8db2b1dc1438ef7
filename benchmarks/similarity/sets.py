"""Labelled sets on disk: DIR/SET/files/GROUP/FILE, DIR/SET/truth.csv (group,a,b,label,level)."""

import csv
from dataclasses import dataclass
from pathlib import Path

from judge.similarity import Entry, fingerprint

LANGUAGES = {".c": "c", ".cpp": "cpp", ".java": "java", ".py": "python3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A pair with its label: 1 copied, 0 independent, and a level or a part of the set."""

    first: str
    second: str
    copied: bool
    level: str


def key(first: str, second: str) -> tuple[str, str]:
    """Return the names of a pair in order."""
    return (first, second) if first <= second else (second, first)


def files(directory: Path) -> list[Path]:
    """Return the files of a set."""
    return sorted(path for path in (directory / "files").glob("*/*") if path.suffix in LANGUAGES)


def entries(directory: Path) -> list[Entry]:
    """Return the submissions of a set; labels are not read here."""
    return [
        Entry(
            id=path.name,
            problem=path.parent.name,
            fingerprint=fingerprint(path.read_bytes(), LANGUAGES[path.suffix]),
        )
        for path in files(directory)
    ]


def truth(directory: Path) -> list[Labelled]:
    """Return the labelled pairs; pairs derived from one original are left out."""
    with (directory / "truth.csv").open(newline="") as file:
        return [
            Labelled(
                first=key(row["a"], row["b"])[0],
                second=key(row["a"], row["b"])[1],
                copied=row["label"] == "1",
                level=row["level"],
            )
            for row in csv.DictReader(file)
            if row["label"] in {"0", "1"}
        ]
