"""From bytes of any encoding to text whose lines are those of the file, lookalikes made plain.

A player may write with Cyrillic letters that look Latin, put invisible characters into names, or
save as UTF-16: none of it may hide a copy. What comes out never fails to encode as UTF-8.
"""

import codecs
import re
import unicodedata

SOURCE_BYTES_MAX = 1024 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Python reads a file as this comment in one of its first lines says, and in these encodings a
# comment may hold lines of code.
_SAID = re.compile(rb"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w]+)")
_ESCAPES = {
    "unicode_escape": re.compile(
        rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|[0-3]?[0-7]{1,2}|[abfnrtv\\'\"\n])"
    ),
    "raw_unicode_escape": re.compile(rb"\\(?:u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5})"),
}
# By family of languages, what a compiler reads otherwise than it is written, so that a comment may
# end in the middle of a line: escapes, and further ends of lines.
_LINE_ENDS = frozenset("\n\r\u0085\u2028\u2029")
_OTHERWISE = {
    "java": re.compile(r"\\(?:\\|u+([0-9a-fA-F]{4}))"),
    "csharp": re.compile("([\u0085\u2028\u2029])"),
}

# Letters a reader takes for Latin ones, as escapes since they look alike here too.
_LOOKALIKES = str.maketrans(
    "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423"
    "\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501"
    "\u050c\u051b\u051d"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5"
    "\u0570\u0578\u057d\u0581\u0585"
    "\u0131\u0251\u0261",
    "SIJABEKMHOPCTYXaeopcyxsijhldGqwABEZHIKMNOPTYXayikvoptuhnugoiag",
)
# Invisible: soft hyphen, zero-width characters, direction marks, variation selectors.
_INVISIBLE = dict.fromkeys(
    [
        *(0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
        *(*range(0x2060, 0x2070), 0xFEFF, *range(0xFE00, 0xFE10)),
    ]
)


def read(source: bytes) -> str:
    """Return the text of a source, cut at `SOURCE_BYTES_MAX`, one line feed a line."""
    text = _decoded(source[:SOURCE_BYTES_MAX]).replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\0", " ")
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_LOOKALIKES)
    return text.encode("utf-8", "replace").decode("utf-8")


def unescaped(text: str, family: str) -> tuple[bytes, list[int]]:
    """Return a text as compilers of a family read it, and where lines end that are not its own."""
    otherwise = _OTHERWISE.get(family)
    if otherwise is None:
        return text.encode(), []
    out, breaks = bytearray(), []
    at = 0
    for found in otherwise.finditer(text):
        out += text[at : found.start()].encode()
        at = found.end()
        char = found[1] or found[0]
        if len(char) == len("000a"):
            char = chr(int(char, 16))
        if char in _LINE_ENDS:
            breaks.append(len(out))
            char = "\n"
        out += char.encode("utf-8", "replace")
    return bytes(out + text[at:].encode()), breaks


def _decoded(source: bytes) -> str:
    said = _SAID.match(source)
    if said is not None:
        name = said[1].decode().lower().replace("-", "_")
        if name in {"utf_7", "utf7", "u7", "unicode_1_1_utf_7"}:
            return source.decode("utf-7", "replace")
        if name in _ESCAPES:
            return _ESCAPES[name].sub(_escaped, source).decode("utf-8", "replace")
    for mark, name in _MARKS:
        if source.startswith(mark):
            return source[len(mark) :].decode(name, "replace")
    even, odd = source[0:2000:2].count(0), source[1:2000:2].count(0)
    if max(even, odd) * 5 > min(len(source), 2000):
        return source.decode("utf-16-le" if odd > even else "utf-16-be", "replace")
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        # A cut inside a character, or an old 8-bit file: every byte is a character there.
        return source.decode("latin-1")


def _escaped(found: re.Match[bytes]) -> bytes:
    return found[0].decode("unicode_escape", "replace").encode("utf-8", "replace")
