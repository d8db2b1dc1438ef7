"""Writes macros of C and C++ out, those a source defines itself: `REP(i, 0, n)` is a loop again.

A grammar cannot read what macros stand for, and whoever hides a copy behind some must not get away
with it, nor by macros that only this takes for some. Only what is sure is written out: a macro
defined in no condition, whose body pastes nothing and keeps all it is given. Names of constants
stay, as those of variables do. Lines stay where they are, and whatever a hostile source does, the
work has an end: then it is read as it is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Tokens looked at, in all; programs of contests need a few thousand.
STEPS_MAX = 200_000
_BODY_MAX = 400
_ARGUMENTS_MAX = 4_000
_LINE_BYTES_MAX = 8_000
_TOKEN = re.compile(
    rb"(?m:^[ \t]*#(?:\\\r?\n|[^\n])*)|//(?:\\\n|[^\n])*|/\*.*?\*/|/\*.*\Z"
    # One that nobody closed goes to the end of its line, so that no place is looked at twice.
    rb"|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    rb"|[A-Za-z_\x80-\xff][\w\x80-\xff]*|\.?\d[\w.']*|[ \t\r\f\v]+|\\?\n|.",
    re.DOTALL,
)
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(\w+)[ \t]*(.*)", re.DOTALL)
_DEFINED = re.compile(rb"([A-Za-z_]\w*)(\([^()]*\))?(.*)", re.DOTALL)
_LIBRARY = re.compile(rb"<[A-Za-z_][\w.+/-]*>")
_PARAMETER = re.compile(rb"[A-Za-z_]\w*")
_NAME = re.compile(rb"[A-Za-z_]")
_REMARK = re.compile(rb"//.*|/\*.*?\*/")
# What compilers may read in another way than this: raw texts, names and marks that are continued on
# the next line, digraphs, trigraphs, directives behind comments, and what brings a macro back.
_ODD = re.compile(
    rb"[\x00\v\f]|R\"|%:|\?\?[=/]|_Pragma|_macro|\\[ \t]+\n|[0-9a-fA-F]'\w"
    rb"|[\w#/*?%:\"'<\\$\x80-\xff]\\\n"
)
_KNOWN = frozenset(
    b"if ifdef ifndef elif else endif define undef include pragma error warning line".split()
)
_OPENING, _CLOSING = frozenset([b"(", b"[", b"{"]), frozenset([b")", b"]", b"}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Macro:
    """What a name stands for; `parameters` is None where it is written without brackets."""

    parameters: tuple[bytes, ...] | None
    body: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Within:
    """A mark between tokens: from here on a name stands for itself, or no longer does."""

    name: bytes
    hidden: bool


_Piece = bytes | _Within


def written_out(source: bytes) -> bytes:
    """Return a source without its simple macros; the source itself where that is not sure."""
    if b"define" not in source or b"#" not in source or _ODD.search(source):
        return source
    if any(b"#" in line.partition(b"*/")[2] for line in source.split(b"\n")):
        return source  # a directive, maybe, behind a comment
    return _Writer().write(source) or source


class _Writer:
    """Tokens waiting to be read, the next one last, and what macros are known there."""

    def __init__(self) -> None:
        self._waiting: list[_Piece] = []
        self._macros: dict[bytes, _Macro] = {}
        self._constants: set[bytes] = set()
        self._unclear: set[bytes] = set()
        self._hidden: set[bytes] = set()
        self._conditions = 0
        self._steps = STEPS_MAX

    def write(self, source: bytes) -> bytes | None:
        """Return the source with macros written out, None when that takes long or is not sure."""
        out: list[bytes] = []
        self._waiting = [*reversed(_TOKEN.findall(source))]
        if len(self._waiting) > STEPS_MAX:
            return None
        while self._waiting:
            self._steps -= 1
            if self._steps < 0:
                return None
            piece = self._waiting.pop()
            if isinstance(piece, _Within):
                self._noted(piece)
            elif piece.lstrip()[:1] == b"#":
                line = self._directed(piece)
                if line is None:
                    return None
                out.append(line)
            elif piece in self._macros and piece not in self._hidden:
                if not self._replaced(piece, self._macros[piece]):
                    out.append(piece)
            else:
                out.append(piece)
        return b"".join(out)

    def _noted(self, mark: _Within) -> None:
        (self._hidden.add if mark.hidden else self._hidden.discard)(mark.name)

    def _directed(self, line: bytes) -> bytes | None:
        """Take note of a directive; return it, or blank lines where it is not needed any more.

        None is returned for one that nobody knows here.
        """
        begun = line.rfind(b"/*")
        if begun >= 0 and (b'"' in line or b"'" in line or line.rfind(b"*/") < begun + 2):
            return None  # a comment, maybe, that goes on in the next line
        found = _DIRECTIVE.match(line)
        word, rest = found.groups() if found else (b"", line.strip(b" \t#"))
        if word not in _KNOWN and (word or rest):
            return None
        if word == b"include" and (b".." in rest or not _LIBRARY.match(rest)):
            # A file of one's own may define anything, or take it back.
            self._macros.clear()
        if word.startswith(b"if"):
            self._conditions += 1
        elif word == b"endif":
            self._conditions -= 1
        elif word == b"undef":
            self._macros.pop(rest.strip(), None)
        elif word == b"define" and self._defined(rest):
            return b"\n" * line.count(b"\n")
        return line

    def _defined(self, rest: bytes) -> bool:
        """Take note of a macro; tell whether it is written out from here on."""
        # A long one is cut, and its body is too long then.
        joined = rest[:_LINE_BYTES_MAX].replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
        found = _DEFINED.match(_REMARK.sub(b" ", joined))
        if found is None:
            return False
        name, brackets, body = found.group(1), found.group(2), found.group(3).strip()
        self._macros.pop(name, None)
        if self._conditions or name in self._unclear:
            self._unclear.add(name)
            return False
        parameters = None
        if brackets is not None:
            named = [each.strip() for each in brackets[1:-1].split(b",")]
            parameters = tuple(named if named != [b""] else [])
            if not all(_PARAMETER.fullmatch(each) for each in parameters):
                return False
        pieces = tuple(_TOKEN.findall(body))
        dropping = not set(parameters or ()).issubset(pieces)
        if dropping or len(pieces) > _BODY_MAX or len(rest) > _LINE_BYTES_MAX or b"#" in body:
            return False
        if parameters is None and body and self._constant(pieces):
            self._constants.add(name)
            return False
        self._macros[name] = _Macro(parameters=parameters, body=pieces)
        return True

    def _constant(self, pieces: Sequence[bytes]) -> bool:
        return all(not _NAME.match(each) or each in self._constants for each in pieces)

    def _replaced(self, name: bytes, macro: _Macro) -> bool:
        """Put what a macro stands for before what waits; tell whether this was a use of it."""
        given: dict[bytes, list[_Piece]] = {}
        breaks = 0
        if macro.parameters is not None:
            taken = self._arguments()
            if taken is None:
                return False
            arguments, used, breaks = taken
            if macro.parameters == () and all(not each for each in arguments):
                arguments = []
            if len(arguments) != len(macro.parameters):
                return False
            given = dict(zip(macro.parameters, arguments, strict=True))
            del self._waiting[len(self._waiting) - used :]
        made: list[_Piece] = [b" ", _Within(name=name, hidden=True)]
        for each in macro.body:
            if each not in given:
                made.append(each)
                continue
            # What is given is read as if it stood outside, so that `MAX(a, MAX(b, c))` works.
            made += [
                _Within(name=name, hidden=False),
                *given[each],
                _Within(name=name, hidden=True),
            ]
            self._steps -= len(given[each])
            if self._steps < 0:
                return True
        made += [_Within(name=name, hidden=False), b" ", *([b"\n"] * breaks)]
        self._steps -= len(macro.body)
        self._waiting += reversed(made)
        return True

    def _arguments(self) -> tuple[list[list[_Piece]], int, int] | None:
        """Return what is given in brackets that wait, and how many tokens and lines they are."""
        found: list[list[_Piece]] = [[]]
        depth = breaks = 0
        until = max(-1, len(self._waiting) - 1 - _ARGUMENTS_MAX)
        for place in range(len(self._waiting) - 1, until, -1):
            piece = self._waiting[place]
            self._steps -= 1
            if isinstance(piece, _Within) and not depth:
                self._noted(piece)
                continue
            word = b"" if isinstance(piece, _Within) else piece
            breaks += word.count(b"\n")
            if word.lstrip()[:1] == b"#" or (not depth and word.strip() not in {b"", b"("}):
                return None
            depth += int(word in _OPENING) - int(word in _CLOSING)
            if word in _CLOSING and not depth:
                return found, len(self._waiting) - place, breaks
            if word == b"," and depth == 1:
                found.append([])
            elif depth > 1 or word != b"(":
                _given(found[-1], piece, word)
        return None


def _given(argument: list[_Piece], piece: _Piece, word: bytes) -> None:
    """Append a token to what is given for a parameter; spaces only between others."""
    if isinstance(piece, _Within) or word.strip():
        argument.append(piece)
    elif argument:
        argument.append(b" ")
