"""Which file or class is started."""

import struct

import pytest

from judge import languages
from judge.errors import SourceError
from judge.limits import MIB


@pytest.mark.parametrize(
    ("language", "files", "expected"),
    [
        ("python3", {"a.py": b""}, "a.py"),
        ("python3", {"a.py": b"", "main.py": b""}, "main.py"),
        ("python3", {"z.py": b"import a", "a.py": b""}, "z.py"),
        ("python3", {"z.py": b"from a import f", "a.py": b"import b", "b.py": b""}, "z.py"),
        ("python3", {"z.py": b"", "a.py": b""}, "a.py"),
        ("python3", {"z.py": b"if __name__ == '__main__':\n f()", "a.py": b""}, "z.py"),
        ("python3", {"__main__.py": b"", "main.py": b""}, "__main__.py"),
        ("rust", {"a.rs": b"mod b; fn main() {}", "b.rs": b""}, "a.rs"),
        ("rust", {"b.rs": b"fn f() {}", "z.rs": b"fn main() {}"}, "z.rs"),
        ("javascript", {"z.js": b"const a = require('./a')", "a.js": b""}, "z.js"),
        ("javascript", {"z.mjs": b"import { f } from './a.mjs'", "a.mjs": b""}, "z.mjs"),
    ],
)
def test_the_entry_source(language: str, files: dict[str, bytes], expected: str) -> None:
    """Usual names first, then a main function, then the file nobody imports."""
    assert expected == languages.get(language).entry_source(files)


def test_no_source_of_the_language() -> None:
    """A submission without any source of its language is refused by name."""
    with pytest.raises(SourceError, match=r"no Rust source .* expected \.rs"):
        languages.get("rust").entry_source({"a.py": b""})


def test_sources_cannot_pass_for_options() -> None:
    """A file named like an option stays a file."""
    argv = languages.get("cpp").compile_argv({"-o.cpp": b""}, memory_bytes=MIB)

    assert "./-o.cpp" in argv
    assert "-o.cpp" not in argv


def test_the_named_entry_point_comes_first() -> None:
    """What the package names as entry point is compiled first."""
    files = {"a.rs": b"fn main() {}", "b.rs": b"fn main() {}"}

    argv = languages.get("rust").compile_argv(files, entry="b.rs", memory_bytes=MIB)

    assert argv[-1] == "./b.rs"


def class_file(name: str, *methods: tuple[int, str, str]) -> bytes:
    """Return the smallest class file with these methods (flags, name, descriptor)."""
    pool = [b"\x07" + struct.pack(">H", 2), _text(name), b"\x05" + bytes(8), b""]
    entries = b""
    for flags, method, descriptor in methods:
        index = len(pool) + 1
        pool += [_text(method), _text(descriptor)]
        entries += struct.pack(">HHHH", flags, index, index + 1, 0)
    return b"".join(
        [
            struct.pack(">IHHH", 0xCAFEBABE, 0, 65, len(pool) + 1),
            *pool,
            struct.pack(">HHHHH", 0x21, 1, 0, 0, 0),
            struct.pack(">H", len(methods)),
            entries,
            struct.pack(">H", 0),
        ]
    )


def _text(value: str) -> bytes:
    return b"\x01" + struct.pack(">H", len(value)) + value.encode()


_MAIN = (0x9, "main", "([Ljava/lang/String;)V")


def test_the_main_class_need_not_match_the_file() -> None:
    """The class file with a main method is found, whatever its name and package."""
    outputs = {
        "A.class": class_file("A", (0x1, "run", "()V")),
        "p/b.class": class_file("p/b", _MAIN),
    }

    assert languages.get("java").main_class(["A.java"], outputs) == "p.b"


def test_of_several_main_classes() -> None:
    """`Main` wins, then the one named like a source, then the first by name."""
    java = languages.get("java")
    several = {f"{name}.class": class_file(name, _MAIN) for name in ("Zed", "Able", "Sol")}

    assert java.main_class(["x.java"], several) == "Able"
    assert java.main_class(["Sol.java"], several) == "Sol"
    assert (
        java.main_class(["Sol.java"], {**several, "Main.class": class_file("Main", _MAIN)})
        == "Main"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xca\xfe\xba\xbe",
        class_file("A", (0x1, "main", "([Ljava/lang/String;)V")),
        class_file("A", (0x9, "main", "()V")),
        class_file("A", _MAIN)[:-9],
        b"\xca\xfe\xba\xbe" + b"\xff" * 400,
    ],
)
def test_what_is_no_main_class(data: bytes) -> None:
    """Damaged or foreign class files are not started and do no harm."""
    with pytest.raises(SourceError, match="public static void main"):
        languages.get("java").main_class(["A.java"], {"A.class": data})


def test_java_says_when_memory_ran_out() -> None:
    """Its exit code alone is not enough: any program can exit with 3."""
    java = languages.get("java")
    mark = b"Terminating due to java.lang.OutOfMemoryError: Java heap space\n"

    assert java.ran_out_of_memory(3, mark)
    assert not java.ran_out_of_memory(3, b"")
    assert not java.ran_out_of_memory(1, mark)
    assert not languages.get("cpp").ran_out_of_memory(3, mark)


@pytest.mark.parametrize(
    ("submitted", "included", "expected"),
    [
        ({"solve.py": b"import lib"}, {"lib.py": b""}, "solve.py"),
        ({"solve.py": b""}, {"lib.py": b""}, "solve.py"),
        ({"solve.py": b""}, {"data.txt": b""}, None),
        ({"solve.py": b""}, {"main.py": b"import solve"}, None),
        ({"solve.py": b""}, {"grader.py": b"from solve import f"}, None),
        ({"solve.py": b""}, {"start.py": b"if __name__ == '__main__': pass"}, None),
        ({"main.py": b""}, {"main.py": b"other"}, None),
    ],
)
def test_what_a_package_adds_starts_only_when_it_drives(
    submitted: dict[str, bytes], included: dict[str, bytes], expected: str | None
) -> None:
    """A library beside the submission is not the program; a driver is."""
    python = languages.get("python3")
    assert python.entry_with(submitted, included, None) == expected
    assert python.entry_with(submitted, {}, "solve.py") == (
        "solve.py" if "solve.py" in submitted else None
    )
