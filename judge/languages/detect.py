"""Tells the language of a submission from its files when nobody named it."""

import ast
import re
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from judge.errors import SourceError
from judge.languages.load import DIRECTORY, UNSUPPORTED, languages
from judge.languages.model import Language, suffix


class UnsupportedLanguageError(SourceError):
    """The files are in a language that we know but do not offer."""

    def __init__(self, language: str, name: str) -> None:
        super().__init__(f"{name} is not offered on this judge")
        self.language = language


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unsupported:
    id: str
    name: str
    extensions: tuple[str, ...]


def detect(files: Mapping[str, bytes]) -> Language:
    """Return the language of a submission (path → content).

    Raises `UnsupportedLanguageError` for a language we only recognise, and `SourceError` when
    the files tell no language or more than one.
    """
    extensions = {suffix(path) for path in files}
    found = [
        language
        for language in languages().values()
        if not language.by_name_only and extensions & set(language.extensions)
    ]
    # A .c file beside C++ sources belongs to them, and a .js file to TypeScript.
    found = [one for one in found if not any(one.id in other.absorbs for other in found)]
    if len(found) == 1:
        if found[0].id == "python3" and _is_python2(files):
            raise UnsupportedLanguageError("python2", "Python 2")
        return found[0]
    if len(found) > 1:
        names = " and ".join(language.name for language in found)
        raise SourceError(f"files of more than one language ({names}); name the one to use")
    for unsupported in _unsupported():
        if extensions & set(unsupported.extensions):
            raise UnsupportedLanguageError(unsupported.id, unsupported.name)
    given = ", ".join(sorted(files)) or "none"
    raise SourceError(f"no language can be told from the files given ({given})")


@cache
def _unsupported() -> tuple[_Unsupported, ...]:
    tables = tomllib.loads((DIRECTORY / UNSUPPORTED).read_text(encoding="utf-8"))
    return tuple(
        _Unsupported(id=key, name=table["name"], extensions=tuple(table["extensions"]))
        for key, table in tables.items()
    )


_SHEBANG = re.compile(rb"#!.*python([23])")
_PRINT_STATEMENT = re.compile(rb"^[^#'\"\n]*\bprint\b[ \t]*(?:[\"'\w]|>>|\r?$)", re.MULTILINE)
_PYTHON2_NAMES = {"raw_input", "xrange", "unicode", "unichr"}


def _is_python2(files: Mapping[str, bytes]) -> bool:
    sources = [data for path, data in files.items() if suffix(path) == ".py"]
    for data in sources:
        match = _SHEBANG.match(data)
        if match is not None:
            return match[1] == b"2"
    return any(_looks_like_python2(data) for data in sources)


def _looks_like_python2(data: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except SyntaxError:
        return _PRINT_STATEMENT.search(data) is not None
    except (ValueError, RecursionError, MemoryError):
        return False
    # Valid in both: it is Python 2 if it uses a built-in that went away and never defines it.
    used: set[str] = set()
    defined: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.arg(arg=name):
                defined.add(name)
            case ast.alias(name=name, asname=other):
                defined.add(other or name)
            case ast.BinOp(left=ast.Name(id="print"), op=ast.RShift()):
                return True
            case ast.ExceptHandler(type=ast.Name(id="NameError")):
                return False
            case _:
                pass
    return "*" not in defined and bool((used & _PYTHON2_NAMES) - defined)
