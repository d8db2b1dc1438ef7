"""What the files of a program say about it: its language, its entry point, what to leave out."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from judge.problem.programs import SourceFile

# Codes and endings of the format's table of languages.
_ENDINGS = {
    "ada": (".adb", ".ads"),
    "algol68": (".a68",),
    "apl": (".apl",),
    "bash": (".sh",),
    "c": (".c",),
    "cobol": (".cob",),
    "cpp": (".cc", ".cpp", ".cxx", ".c++", ".C"),
    "crystal": (".cr",),
    "csharp": (".cs",),
    "d": (".d",),
    "dart": (".dart",),
    "elixir": (".ex",),
    "erlang": (".erl",),
    "forth": (".fth", ".4th", ".forth", ".frt"),
    "fortran": (".f90",),
    "fsharp": (".fs",),
    "gerbil": (".ss",),
    "go": (".go",),
    "haskell": (".hs",),
    "java": (".java",),
    "javascript": (".js",),
    "julia": (".jl",),
    "kotlin": (".kt",),
    "lisp": (".lisp", ".cl"),
    "lua": (".lua",),
    "modula2": (".mod", ".def"),
    "nim": (".nim",),
    "objectivec": (".m",),
    "ocaml": (".ml",),
    "odin": (".odin",),
    "pascal": (".pas",),
    "perl": (".pm",),
    "php": (".php",),
    "prolog": (".pl",),
    "python2": (".py2",),
    "python3": (".py", ".py3"),
    "racket": (".rkt",),
    "ruby": (".rb",),
    "rust": (".rs",),
    "scala": (".scala",),
    "simula": (".sim",),
    "smalltalk": (".st",),
    "snobol": (".sno",),
    "swift": (".swift",),
    "typescript": (".ts",),
    "visualbasic": (".vb",),
    "zig": (".zig",),
}
_BY_ENDING = {ending: code for code, endings in _ENDINGS.items() for ending in endings}
# A directory may hold sources of both: those of the second are part of the first.
_ABSORBS = {"cpp": {"c"}, "typescript": {"javascript"}}

HEADERS = (".h", ".hh", ".hpp", ".hxx", ".inc")
_BUILT = {
    *(".o", ".obj", ".a", ".so", ".dll", ".exe", ".out", ".class", ".jar", ".pyc", ".pyo", ".bin"),
    *(".hi", ".cmi", ".cmx", ".cmo", ".gch"),
}
_MAGIC = (b"\x7fELF", b"MZ\x90\x00", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_TEXTS = {".md", ".txt", ".yaml", ".yml", ".json", ".pdf", ".html", ".in", ".ans", ".log", ".tex"}
_PYTHON2 = re.compile(rb"#!.*python2")
_PYTHON = {"python2", "python3"}


def ending(name: str) -> str:
    """Return a name's ending with its dot, case kept (`.C` is C++, `.c` is C)."""
    return PurePosixPath(name).suffix


def language_of(name: str) -> str | None:
    """Return the code of the language a file name speaks of."""
    suffix = ending(name)
    if PurePosixPath(name).name == "go.mod":
        return None
    return _BY_ENDING.get(suffix) or _BY_ENDING.get(suffix.lower())


def built(file: SourceFile) -> bool:
    """Tell whether a file is something a compiler made: it is never run and never shipped."""
    suffix = ending(file.name).lower()
    if suffix in _BUILT:
        return True
    if language_of(file.name) is not None or suffix in HEADERS or suffix in _TEXTS:
        return False
    with file.path.open("rb") as stream:
        return stream.read(4).startswith(_MAGIC)


def document(name: str) -> bool:
    """Tell whether a file is made for people or data, and no program by itself."""
    stem = PurePosixPath(name).name.upper()
    return ending(name).lower() in _TEXTS or stem in {"README", "LICENSE", "MAKEFILE", "COPYING"}


def guess_language(files: Iterable[SourceFile], *, shebang: bool) -> str | None:
    """Return the language the files agree on, None when none or several.

    Files at the top decide, those deeper only when there are none: libraries bring their own
    tools. With `shebang` (legacy packages) a first line that names Python 2 counts.
    """
    kept = tuple(files)
    top = tuple(file for file in kept if "/" not in file.name)
    return _agreed(top, shebang=shebang) or _agreed(kept, shebang=shebang)


def _agreed(kept: tuple[SourceFile, ...], *, shebang: bool) -> str | None:
    found = {code for file in kept if (code := language_of(file.name)) is not None}
    for code, absorbed in _ABSORBS.items():
        if code in found:
            found -= absorbed
    if found == {"python3"} and shebang and any(_python2(file) for file in kept):
        return "python2"
    return found.pop() if len(found) == 1 else None


def _python2(file: SourceFile) -> bool:
    if language_of(file.name) != "python3":
        return False
    with file.path.open("rb") as stream:
        return _PYTHON2.match(stream.readline(256)) is not None


def script_entry(files: Iterable[SourceFile], language: str | None, name: str) -> str | None:
    """Return the file an interpreter starts with, None for languages that build one program."""
    if language not in _PYTHON | {"bash"}:
        return None
    scripts = sorted(file.name for file in files if language_of(file.name) in {language, "python3"})
    stem = PurePosixPath(name).stem
    wanted = ("__main__.py", "main.py", f"{stem}.py", f"{stem}.sh", "validate.py", "validator.py")
    return next((each for each in wanted if each in scripts), scripts[0] if scripts else None)
