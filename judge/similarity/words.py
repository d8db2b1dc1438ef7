"""What a leaf says in any language: names without case and underscores, numbers by their value.

`max_depth` and `maxDepth`, `1_000` and `1000L`, `"Case #%d: "` and `f"Case #{n}: "` are one word.
"""

import re
from zlib import crc32

from judge.similarity.kinds import Leaf

# The leaves that say something in any language; keywords, types and operators do not.
SAYING = (int(Leaf.NAME), int(Leaf.NUMBER), int(Leaf.TEXT), int(Leaf.CHARACTER))
_QUOTES = b"\"'`"
_PREFIX_MAX = 3
_NUMBER_MAX = 40
_INTEGER_MAX = 1e18
_SUFFIX = re.compile(rb"(?:[iuf](?:8|16|32|64|128|size)|[uldfn]{1,3})$")
# What is filled in, and the ends of lines, which some languages write into a text.
_FILLED = re.compile(rb"%[-+0-9.]*l*[a-z]|\\[nt]|\{[^{}]*\}")


def word(text: bytes, shape: int) -> int:
    """Return the hash of what a leaf says, 0 for one that says nothing across languages."""
    if shape == Leaf.NAME:
        return crc32(text.replace(b"_", b"").lower() or text)
    if shape == Leaf.NUMBER:
        return crc32(_value(text) if len(text) <= _NUMBER_MAX else text)
    if shape in SAYING:
        said = b" ".join(_FILLED.sub(b" ", _unquoted(text)).split())
        return crc32(b'"' + said) if said else 0
    return 0


def _value(text: bytes) -> bytes:
    """Return a number as any language would write it; as it is where that is not clear."""
    plain = text.lower().translate(None, b"_'")
    try:
        if plain[:2] in {b"0x", b"0b", b"0o"}:
            return b"%d" % int(plain.rstrip(b"ul"), 0)
        value = float(_SUFFIX.sub(b"", plain))
    except ValueError:
        return plain
    whole = abs(value) < _INTEGER_MAX and value == int(value)
    return b"%d" % int(value) if whole else repr(value).encode()


def _unquoted(text: bytes) -> bytes:
    """Return a text without its quotes and the letters before them."""
    for place in range(min(len(text), _PREFIX_MAX + 1)):
        if text[place] in _QUOTES:
            return text[place:].strip(_QUOTES)
    return text
