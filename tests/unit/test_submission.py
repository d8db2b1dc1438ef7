"""What a submission must be before anything is done with it."""

import pytest

from judge import limits
from judge.errors import SourceError
from judge.submission import Submission


def _of(*names: str, entry_point: str | None = None) -> Submission:
    return Submission(files=dict.fromkeys(names, b"x"), language="cpp", entry_point=entry_point)


@pytest.mark.parametrize(
    "name", ["a.cpp", "src/a.cpp", "rats_graph step1#.py", "\u00e4.java", ".hidden", "a..b", "C++"]
)
def test_good_names(name: str) -> None:
    """Jury packages have odd names; they are fine as long as no tool can misread them."""
    _of(name).validate()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a.cpp",
        "a/../../b",
        "a//b",
        "a/",
        "./a",
        "-o/etc/x",
        "src/-o",
        "a\nb",
        "a\0b",
        "a\x1b[2J",
        "a\u202eb",
        "a\ud800",
        "..\\a",
        "a" * 256,
        "d/" * 600 + "a",
    ],
)
def test_bad_names(name: str) -> None:
    """Traversal, options, control characters and endless names are refused in one safe line."""
    with pytest.raises(SourceError) as caught:
        _of(name).validate()
    with pytest.raises(SourceError):
        _of("a.cpp", entry_point=name).validate()

    assert str(caught.value).isprintable()


def test_bounds() -> None:
    """No files, too many files, too many bytes."""
    with pytest.raises(SourceError, match="no source"):
        _of().validate()
    with pytest.raises(SourceError, match="files; at most"):
        _of(*map(str, range(limits.SOURCE_FILES_MAX + 1))).validate()
    with pytest.raises(SourceError, match="2 bytes; at most 1"):
        _of("a", "b").validate(source_bytes_max=1)
    _of("a", "b").validate(source_bytes_max=2)


def test_a_name_cannot_be_file_and_directory() -> None:
    """`a` and `a/b` cannot both exist."""
    with pytest.raises(SourceError, match="both"):
        _of("a", "a/b").validate()


def test_the_hash_is_of_everything_that_matters() -> None:
    """Order does not matter; names, contents, language and entry point do."""
    one = Submission(files={"a": b"1", "b": b"2"}, language="c")
    same = Submission(files={"b": b"2", "a": b"1"}, language="c")
    others = [
        Submission(files={"a": b"12", "b": b""}, language="c"),
        Submission(files={"ab": b"1", "": b"2"}, language="c"),
        Submission(files={"a": b"1", "b": b"2"}, language="cpp"),
        Submission(files={"a": b"1", "b": b"2"}, language="c", entry_point="a"),
    ]

    assert one.source_hash == same.source_hash
    assert len({one.source_hash, *(each.source_hash for each in others)}) == 5
