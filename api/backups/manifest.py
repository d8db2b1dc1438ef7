"""What a backup says of itself: enough to know it whole, and what is restored from it right."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judge.errors import UsageError

FORMAT = 1
NAME = "manifest.json"
DUMP = "database.dump"
BLOBS = "blobs"
_DIRECTORY = re.compile(r"codebattle-\d{8}T\d{6}\.\d{6}Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How many rows a table has, and a hash of them all that their order does not change."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of a backup. `blobs` is sizes by name; `with_blobs` says they are in it."""

    made_at: str
    codebattle: str
    revision: str
    server: int
    pg_dump: int
    dump_bytes: int
    dump_sha256: str
    tables: dict[str, Table]
    blobs: dict[str, int]
    with_blobs: bool
    format: int = FORMAT

    def write(self, directory: Path) -> None:
        """Write it, durably."""
        with (directory / NAME).open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())


def read(directory: Path) -> Manifest:
    """Read the manifest of a backup; raises `UsageError` for what is none of ours."""
    try:
        said: dict[str, Any] = json.loads((directory / NAME).read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise UsageError(f"{directory}: format {said['format']}; this version reads {FORMAT}")
        tables = {name: Table(**each) for name, each in said.pop("tables").items()}
        return Manifest(tables=tables, **said)
    except FileNotFoundError as error:
        raise UsageError(f"{directory}: no backup, there is no {NAME} in it") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{directory}: its {NAME} cannot be read") from error


def blob_path(directory: Path, sha256: str) -> Path:
    """Return where a backup has a blob."""
    return directory / BLOBS / sha256[:2] / sha256[2:]


def backups(directory: Path) -> Iterator[Path]:
    """Yield the whole backups in a directory, the newest first."""
    found = (path for path in directory.iterdir() if _DIRECTORY.fullmatch(path.name))
    for path in sorted(found, reverse=True):
        if (path / NAME).is_file():
            yield path
