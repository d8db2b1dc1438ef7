"""What every checker is: it reads an output and an answer and says whether they agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

from judge.results import Difference


class Opens(Protocol):
    """Something that can be read from its start any number of times, like a spool."""

    def open(self) -> IO[bytes]:
        """Return a new reader at the start."""


Source = bytes | Path | Opens | IO[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a checker says; the message is for judges and already fit to be shown."""

    accepted: bool
    message: str = ""
    difference: Difference | None = None


class Checker(Protocol):
    """Compares an output with an answer inside the worker, in bounded memory."""

    def compare(self, output: Source, answer: Source) -> Comparison:
        """Tell whether the output is right, and if not, where it first goes wrong."""


@contextmanager
def reading(source: Source) -> Iterator[IO[bytes]]:
    """Open a source for reading; a reader that was given open stays open."""
    if isinstance(source, bytes):
        yield BytesIO(source)
    elif isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            yield file
    elif hasattr(source, "open"):
        with source.open() as file:
            yield file
    else:
        yield source


def rereading(source: Source) -> bool:
    """Tell whether the source can be read a second time."""
    return isinstance(source, bytes | Path) or hasattr(source, "open")
