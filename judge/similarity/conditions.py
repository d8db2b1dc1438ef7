"""Which branches of C and C++ are never compiled, below `#if 0` or a macro that is defined here.

A copy must not get away behind a condition that only looks closed, so a source is read as a
compiler reads it, and one that could be read otherwise is left as it is: code that a compiler sees
must not get lost here.
"""

import re
from dataclasses import dataclass, field

# What compilers take for an end of a line, of a mark or of a name, and this does not: raw texts,
# lines and marks that are continued in odd ways, digraphs, trigraphs, numbers with quotes; and what
# brings a macro back that was defined before.
_ODD = re.compile(
    rb"[\x00\v\f]|R\"|%:|\?\?[=/]|_Pragma|##|\r(?!\n)|\\[ \t]+\r?\n|[^ \t]\\\r?\n"
    rb"|[0-9a-fA-F]'\w"
)
_BRINGING = re.compile(rb"include|import|embed")
# A text that does not end takes the rest of its line.
_MARKS = re.compile(
    rb"//(?:\\\r?\n|[^\n])*|/\*.*?(?:\*/|\Z)|\"(?:\\\r?\n|\\.|[^\"\\\n])*\"?"
    rb"|'(?:\\\r?\n|\\.|[^'\\\n])*'?",
    re.DOTALL,
)
_NOT_LINE_ENDS = re.compile(rb"[^\r\n]")
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(\w*)(.*)")
# Whatever this is a part of is another word.
_NO_WORD_ENDS = re.compile(rb"[$\\\x80-\xff]")
_NAME = re.compile(rb"[A-Za-z_]\w*")
_CONDITIONS = frozenset([b"if", b"ifdef", b"ifndef", b"elif", b"else", b"endif"])
# What may define and undefine anything.
_ANYTHING = frozenset([b"include", b"include_next", b"import", b"pragma"])
_NAMING = frozenset([b"define", b"undef"])
_KNOWN = _CONDITIONS | _ANYTHING | _NAMING | {b"", b"error", b"warning", b"line", b"ident"}


@dataclass(slots=True)
class _Conditions:
    """What is known at a line."""

    # Of macros that are defined here: true, and false once that was taken back.
    defined: dict[bytes, bool] = field(default_factory=dict)
    # Of each condition that is open: whether this branch, and whether a later one, is compiled.
    opened: list[tuple[bool, bool]] = field(default_factory=list)
    closed: int = 0  # how many of them are not

    def take(self, word: bytes, rest: bytes) -> bool:
        """Take a directive in; tell whether it is one that is understood."""
        if _NO_WORD_ENDS.match(rest) or word not in _KNOWN or (not word and rest):
            return False
        if word in _CONDITIONS:
            self._branch(word, rest)
        elif word in _ANYTHING and not self.closed:
            self.defined.clear()
        elif word in _NAMING and not self.closed:
            name = _NAME.match(rest)
            if name is None or _NO_WORD_ENDS.match(rest, name.end()):
                return False
            # Inside of a condition nobody knows whether it is.
            self.defined[name.group()] = word == b"define" and not self.opened
        return True

    def _branch(self, word: bytes, rest: bytes) -> None:
        if word.startswith(b"if"):
            self.opened.append(_branches(word, rest, known=self.defined.get(rest, False)))
            self.closed += not self.opened[-1][0]
        elif self.opened:
            now, later = self.opened.pop()
            self.closed -= not now
            if word != b"endif":
                self.opened.append((later, later))
                self.closed += not later


def compiled(source: bytes) -> bytes:
    """Blank the branches of C and C++ that are never compiled; lines stay where they are."""
    if b"#" not in source or _ODD.search(source) or _brings_oddly(source):
        return source
    # Whether a line goes on in the next one, as a comment does.
    runs_on: set[int] = set()
    plain = _without_marks(source, runs_on)
    known = _Conditions()
    out: list[bytes] = []
    joined = False
    for number, (line, bare) in enumerate(
        zip(source.split(b"\n"), plain.split(b"\n"), strict=True)
    ):
        found = _DIRECTIVE.match(bare)
        continued = joined or number - 1 in runs_on
        joined = bare.rstrip().endswith(b"\\")
        if found is None:
            out.append(b" " * len(line) if known.closed else line)
            continue
        word, rest = found.group(1), found.group(2).strip()
        long = joined or number in runs_on
        if continued or (long and word in _CONDITIONS) or not known.take(word, rest):
            return source
        kept = word not in _CONDITIONS and not known.closed
        out.append(line if kept else b" " * len(line))
    return source if known.opened else b"\n".join(out)


def _brings_oddly(source: bytes) -> bool:
    """Tell whether in a line that may bring in a file something follows that may be no comment."""
    for line in source.split(b"\n"):
        found = _BRINGING.search(line) if b"/*" in line else None
        if found is not None and b"/*" in line[found.end() :]:
            return True
    return False


def _without_marks(source: bytes, runs_on: set[int]) -> bytes:
    """Blank comments and texts, and note which lines go on in the next one because of them."""
    at = line = 0

    def blank(mark: re.Match[bytes]) -> bytes:
        nonlocal at, line
        line += source.count(b"\n", at, mark.start())
        at = mark.end()
        count = mark.group().count(b"\n")
        runs_on.update(range(line, line + count))
        line += count
        return _NOT_LINE_ENDS.sub(b" ", mark.group())

    return _MARKS.sub(blank, source)


def _branches(word: bytes, rest: bytes, *, known: bool) -> tuple[bool, bool]:
    """Tell whether what follows a condition is compiled, and whether what follows its `else` is.

    What is not defined here may be by a compiler: both may be.
    """
    if word == b"if":
        return rest != b"0", rest != b"1"
    return (word == b"ifdef", word == b"ifndef") if known else (True, True)
