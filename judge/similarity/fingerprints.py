"""What is kept of a submission: its token streams, and from them the hashes that are compared.

A fingerprint holds no text: names and literals are there as hashes only. It is what the service
stores for each submission, so its bytes carry a version, and damaged ones are refused.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from judge.similarity.arrays import Array, Flags, Hashes
from judge.similarity.grammars import family
from judge.similarity.hashing import grams
from judge.similarity.parsing import Walked, walk
from judge.similarity.reading import read
from judge.similarity.templates import marked
from judge.similarity.unused import hides, unused
from judge.similarity.words import SAYING

VERSION = 5
# Fewer tokens of one's own than this (about four lines) say nothing about where they are from.
TOKENS_MIN = 24

# Languages whose programs begin outside of any function.
_SCRIPTS = frozenset(["python", "javascript"])
_USED_MIN = 1 / 8
_MAGIC = b"CBsim"
_UNPACKED_BYTES_MAX = 32 * 1024 * 1024


class Stream(IntEnum):
    """The three ways a source is read; each is compared on its own."""

    SHAPES = 0
    PARTS = 1
    SPELLINGS = 2


GRAM_LENGTHS = {Stream.SHAPES: 9, Stream.PARTS: 6, Stream.SPELLINGS: 4}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fingerprint:
    """The leaves of a source in order, and its structure.

    `spellings` are hashes of the leaves as written, `words` of what they say in any language (0:
    nothing), `shapes` of what they are, `lines` where
    they begin, counted from 1 over all files; `parts` are structural tokens, each before the leaf
    `part_at`; `own` is false for what came from a template and for what the program does not
    use. `files` are names and the number of lines before each.
    """

    language: str
    spellings: Hashes
    words: Hashes
    shapes: Hashes
    lines: Hashes
    parts: Array
    part_at: Hashes
    own: Flags
    files: tuple[tuple[str, int], ...] = ()

    @property
    def family(self) -> str:
        """Return which languages this is compared with as one language."""
        return family(self.language)

    @property
    def own_tokens(self) -> int:
        """Return how many tokens are not from a template."""
        return int(self.own.sum())

    @property
    def too_short(self) -> bool:
        """Tell whether nothing can be said about it."""
        return self.own_tokens < TOKENS_MIN

    def everything(self) -> "Fingerprint":
        """Return this with all its tokens counted as its own."""
        return replace(self, own=np.ones(len(self.own), dtype=np.bool_))

    def grams(self, stream: Stream) -> tuple[Hashes, Array]:
        """Return the hashes of a stream's grams and the token at which each begins."""
        length = GRAM_LENGTHS[stream]
        if stream is Stream.SHAPES:
            at = np.flatnonzero(~np.isin(self.shapes, _BRACKETS))
            return grams(self.shapes[at], self.own[at], at, length)
        if stream is Stream.SPELLINGS:
            return grams(self.spellings, self.own, np.arange(len(self.spellings)), length)
        return grams(self.parts, self.own_parts(), self.part_at, length)

    def gram_set(self, stream: Stream) -> Hashes:
        """Return the distinct hashes of a stream, ascending."""
        return np.unique(self.grams(stream)[0])

    def bare(self, chosen: Flags) -> Hashes:
        """Return the spellings of the tokens chosen, braces aside."""
        braces = (self.shapes == _BRACKETS[2]) | (self.shapes == _BRACKETS[3])
        return np.asarray(self.spellings[chosen & ~braces])

    def own_parts(self) -> Flags:
        """Tell for each structural token whether a leaf beside it is not from a template."""
        if not len(self.own):
            return np.zeros(len(self.parts), dtype=np.bool_)
        last = len(self.own) - 1
        after = self.own[np.minimum(self.part_at, last)]
        before = self.own[np.minimum(np.maximum(self.part_at, 1) - 1, last)]
        return np.asarray(after | before)

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        head = json.dumps(
            {
                "version": VERSION,
                "language": self.language,
                "tokens": len(self.spellings),
                "parts": len(self.parts),
                "files": self.files,
            }
        ).encode()
        # Most words are spelled as they are said, and zeros take next to no room.
        said = _saying(self.shapes, self.words ^ self.spellings)
        arrays = (self.spellings, said, self.shapes, np.diff(self.lines, prepend=np.uint32(0)))
        body = b"".join(one.astype("<u4").tobytes() for one in arrays)
        body += self.parts.astype("u1").tobytes() + self.part_at.astype("<u4").tobytes()
        body += np.packbits(self.own).tobytes()
        return _MAGIC + zlib.compress(len(head).to_bytes(4, "little") + head + body, 6)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Fingerprint":
        """Read the stored form; raises `ValueError` for anything else."""
        if not stored.startswith(_MAGIC):
            raise ValueError("these bytes are no fingerprint")
        unpacker = zlib.decompressobj()
        try:
            whole = unpacker.decompress(stored[len(_MAGIC) :], _UNPACKED_BYTES_MAX)
            size = int.from_bytes(whole[:4], "little")
            head = json.loads(whole[4 : 4 + size])
            return cls._from_parts(head, whole[4 + size :])
        except (zlib.error, UnicodeDecodeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"a damaged fingerprint: {error}") from error

    @classmethod
    def _from_parts(cls, head: Mapping[str, object], body: bytes) -> "Fingerprint":
        tokens, parts = head["tokens"], head["parts"]
        if head["version"] != VERSION or not isinstance(tokens, int) or not isinstance(parts, int):
            raise ValueError("a fingerprint of another version")
        if len(body) != 16 * tokens + 5 * parts + (tokens + 7) // 8:
            raise ValueError("a damaged fingerprint: its length is wrong")
        words = np.frombuffer(body, dtype="<u4", count=4 * tokens).reshape(4, tokens)
        rest = body[16 * tokens :]
        bits = np.frombuffer(rest[5 * parts :], dtype=np.uint8)
        files = head["files"]
        assert isinstance(files, list)
        return cls(
            language=str(head["language"]),
            spellings=words[0],
            words=_saying(words[2], words[1] ^ words[0]),
            shapes=words[2],
            lines=np.cumsum(words[3], dtype=np.uint32),
            parts=np.frombuffer(rest, dtype=np.uint8, count=parts),
            part_at=np.frombuffer(rest[parts : 5 * parts], dtype="<u4"),
            own=np.unpackbits(bits, count=tokens).astype(np.bool_),
            files=tuple((str(name), int(before)) for name, before in files),
        )


def fingerprint(
    source: bytes | Mapping[str, bytes],
    language: str,
    *,
    template: Sequence[bytes] = (),
) -> Fingerprint:
    """Return the fingerprint of a source, or of files by name, in a language of this engine.

    `template` is what everybody was given: starter code, driver, snippets of the statement. What
    comes from there is not counted as one's own. No source makes this fail.
    """
    files = {"": source} if isinstance(source, bytes) else source
    before = joined(files)[1]
    one = _walked(texts(files), language, before if len(before) > 1 else ())
    if not template:
        return one
    given = [_walked([read(each)], language, ()) for each in template]
    own = one.own & ~marked(one, given)
    return Fingerprint(
        language=language,
        spellings=one.spellings,
        words=one.words,
        shapes=one.shapes,
        lines=one.lines,
        parts=one.parts,
        part_at=one.part_at,
        own=own,
        files=one.files,
    )


def joined(files: Mapping[str, bytes]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return the texts of files one after the other, and the number of lines before each."""
    before, lines = [], 0
    found = texts(files)
    for name, text in zip(sorted(files), found, strict=True):
        before.append((name, lines))
        lines += text.count("\n")
    return "".join(found), tuple(before)


def texts(files: Mapping[str, bytes]) -> list[str]:
    """Return the texts of files in the order of their names, all of whole lines."""
    found = [read(files[name]) for name in sorted(files)]
    return [text if text.endswith("\n") else text + "\n" for text in found]


def _walked(
    of_files: Sequence[str], language: str, files: tuple[tuple[str, int], ...]
) -> Fingerprint:
    """Read files one by one: what one begins, a comment or a text, ends with it."""
    walked, lines = Walked(), [np.zeros(0, dtype=np.uint32)]
    before = 0
    for text in of_files:
        one, at = walk(text, language)
        walked.follow(one)
        lines.append(at + np.uint32(before))
        before += text.count("\n")
    return Fingerprint(
        language=language,
        spellings=np.array(walked.spellings, dtype=np.uint32),
        words=np.array(walked.words, dtype=np.uint32),
        shapes=np.array(walked.shapes, dtype=np.uint32),
        lines=np.concatenate(lines),
        parts=np.array(walked.parts, dtype=np.uint8),
        part_at=np.array(walked.part_at, dtype=np.uint32),
        own=_used(walked, "".join(of_files), language),
        files=files,
    )


def _used(walked: Walked, text: str, language: str) -> Flags:
    """Tell which tokens the program uses; all of them where hardly any would be left.

    A program that uses next to nothing of itself is rather one whose beginning nobody sees here,
    and of one that may use what it does not name all of it counts.
    """
    if hides(text.encode(), family(language)):
        return np.ones(len(walked.spellings), dtype=np.bool_)
    script = family(language) in _SCRIPTS
    used = ~unused(walked.spellings, walked.definitions, script=script)
    enough = int(used.sum()) >= max(TOKENS_MIN, len(used) * _USED_MIN)
    return used if enough else np.ones(len(used), dtype=np.bool_)


def _saying(shapes: Hashes, words: Array) -> Hashes:
    """Return the words of the leaves that say something, 0 for the others."""
    return np.where(np.isin(shapes, SAYING), words, 0).astype(np.uint32)


# Brackets come and go without a change of meaning: `if (x) y;` and `if (x) { y; }`.
_BRACKETS = np.array([zlib.crc32(mark) for mark in (b"(", b")", b"{", b"}")], dtype=np.uint32)
