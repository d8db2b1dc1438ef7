"""What the golden tables cannot say about the default validator: size, sources, excerpts."""

import io
import tracemalloc
from decimal import Decimal
from pathlib import Path

from judge.checkers.tokens import TokenChecker, TokenRules

MIB = 1024 * 1024


class Endless:
    """A source of one repeated byte that nobody could hold in memory."""

    def __init__(self, byte: bytes, size: int) -> None:
        self.byte, self.size = byte, size

    def open(self) -> io.BufferedReader:
        outer = self

        class Reader(io.RawIOBase):
            left = outer.size

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
                count = min(len(buffer), self.left)
                buffer[:count] = outer.byte * count
                self.left -= count
                return count

        return io.BufferedReader(Reader(), 256 * 1024)


def test_one_token_of_any_length_needs_bounded_memory() -> None:
    """A token of 64 MiB is compared, folding case, in a few MiB."""
    tracemalloc.start()
    try:
        checker = TokenChecker()
        assert checker.compare(Endless(b"A", 64 * MIB), Endless(b"a", 64 * MIB)).accepted
        assert not checker.compare(Endless(b"A", 64 * MIB), Endless(b"a", 64 * MIB + 1)).accepted
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 * MIB


def test_endless_blanks_need_bounded_memory() -> None:
    """So are 64 MiB of blanks where one token is expected."""
    comparison = TokenChecker().compare(Endless(b" ", 64 * MIB), b"x")

    assert not comparison.accepted
    assert comparison.difference is not None
    assert comparison.difference.column == 64 * MIB + 1


def test_a_long_token_is_no_number() -> None:
    """Beyond a block even digits are a word, so no parser meets a million of them."""
    rules = TokenRules(absolute=Decimal(1), relative=Decimal(1))
    digits = b"1" * MIB

    assert TokenChecker(rules=rules).compare(digits, digits).accepted
    assert not TokenChecker(rules=rules).compare(digits + b".0", digits).accepted


def test_every_kind_of_source(tmp_path: Path) -> None:
    """Bytes, paths, openable objects and open readers compare alike."""
    path = tmp_path / "answer"
    path.write_bytes(b"a\nb\n")

    assert TokenChecker().compare(path, b"a b").accepted
    assert TokenChecker().compare(io.BytesIO(b"a b"), path).accepted
    assert TokenChecker().compare(Endless(b"a", 3), b"aaa").accepted


def test_a_reader_that_cannot_be_read_again_has_no_place() -> None:
    """The message then tells the tokens alone."""
    comparison = TokenChecker().compare(io.BytesIO(b"a c"), b"a b")

    assert comparison.message == "expected 'b', found 'c'"
    assert comparison.difference is not None
    assert comparison.difference.line is None


def test_excerpts_are_short_harmless_and_show_the_difference() -> None:
    """Escapes are spelled out and long tokens begin near the place where they part."""
    hostile = TokenChecker().compare(b"\x1b[31mred\xff", b"red").difference
    long = TokenChecker().compare(b"a" * 500 + b"x" + b"b" * 500, b"a" * 501).difference

    assert hostile is not None
    assert hostile.found == "\\x1b[31mred\\xff"
    assert long is not None
    assert len(long.found) < 100
    assert long.found.startswith("\u2026aaaaaaaaaaaaaaaaaaaaaaaax")


def test_the_original_letter_case_is_shown() -> None:
    """Folding is for comparing, not for showing."""
    assert TokenChecker().compare(b"NO", b"Yes").message.endswith("expected 'Yes', found 'NO'")
