"""The language of a submission nobody named."""

import pytest

from judge.errors import SourceError
from judge.languages import UnsupportedLanguageError, detect


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.cpp": b""}, "cpp"),
        ({"a.cc": b"", "a.h": b""}, "cpp"),
        ({"a.c": b"", "a.h": b""}, "c"),
        ({"a.C": b""}, "cpp"),
        ({"a.cpp": b"", "b.c": b""}, "cpp"),
        ({"Main.java": b""}, "java"),
        ({"a.py": b"print(input())\n"}, "python3"),
        ({"a.py": b"#!/usr/bin/env python3\nprint(1)\n"}, "python3"),
        ({"a.ts": b"", "b.js": b""}, "typescript"),
        ({"a.py": b"", "notes.txt": b""}, "python3"),
        ({"a.kt": b""}, "kotlin"),
    ],
)
def test_the_extension_decides(files: dict[str, bytes], expected: str) -> None:
    """Sources tell the language; headers and other files do not disturb."""
    assert expected == detect(files).id


@pytest.mark.parametrize(
    "source",
    [
        b"#!/usr/bin/python2\nprint(1)\n",
        b"#!/usr/bin/env python2.7\n",
        b"print 'hello'\n",
        b"for i in range(3):\n    print i,\n",
        b"n = int(raw_input())\nprint(n)\n",
        b"print >> sys.stderr, 1\n",
    ],
)
def test_python_2_is_recognised(source: bytes) -> None:
    """By its shebang, its print statement, or a built-in that Python 3 does not have."""
    with pytest.raises(UnsupportedLanguageError, match="Python 2 is not offered") as caught:
        detect({"a.py": source})

    assert caught.value.language == "python2"


@pytest.mark.parametrize(
    "source",
    [
        b"raw_input = input\nprint(raw_input())\n",
        b"try:\n    f = raw_input\nexcept NameError:\n    f = input\n",
        b"from six.moves import xrange\nxrange(3)\n",
        b"# print 'no'\nprint(1)\n",
        b"print(1\n",
        b"x = (\n",
        b"\x00",
        b"#!/usr/bin/python3\nprint 'a syntax error, but it says Python 3'\n",
    ],
)
def test_python_3_is_not_mistaken_for_python_2(source: bytes) -> None:
    """Programs for both, and broken ones, stay Python 3."""
    assert detect({"a.py": source}).id == "python3"


def test_a_known_language_we_lack_is_named() -> None:
    """The refusal says which language it was."""
    with pytest.raises(UnsupportedLanguageError, match="Haskell is not offered on this judge"):
        detect({"a.hs": b""})


def test_two_languages_are_a_riddle() -> None:
    """Nothing is guessed between unrelated languages."""
    with pytest.raises(SourceError, match=r"more than one language \(Java and Python 3\)"):
        detect({"a.py": b"", "A.java": b""})


def test_no_source_at_all() -> None:
    """Files that tell nothing are listed."""
    with pytest.raises(SourceError, match=r"no language can be told .*\(a\.txt\)"):
        detect({"a.txt": b""})
