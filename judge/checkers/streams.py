"""Cutting a byte stream into batches of tokens in bounded memory, at the speed of `bytes.split`.

A stream is read in blocks. What a block leaves unfinished, the token that touches its end, is
carried into the next one. A token longer than a block is cut into *pieces*: every piece but the
last ends in a blank and the last begins with one, so no piece can be taken for a whole token or
for a number. Two streams that agree up to some point cut a long token at the same places, so
comparing pieces is comparing tokens.

With `spaces` every whitespace character is a token of its own; with `fold` tokens are in lower
case, and `original` gives back what was written.
"""

import re
from itertools import islice
from typing import IO

from judge.checkers.base import Source, reading

BLOCK_BYTES = 256 * 1024

_WHITESPACE = b" \t\n\r\v\f"
_TOKEN = re.compile(rb"[^ \t\n\r\v\f]+")
_TOKEN_OR_SPACE = re.compile(rb"[ \t\n\r\v\f]|[^ \t\n\r\v\f]+")


def read_block(reader: IO[bytes], size: int) -> bytes:
    """Read exactly `size` bytes unless the input ends before."""
    block = reader.read(size)
    if len(block) == size or not block:
        return block
    parts = [block]
    missing = size - len(block)
    while missing and (block := reader.read(missing)):
        parts.append(block)
        missing -= len(block)
    return b"".join(parts)


class TokenStream:
    """One side of a comparison: `tokens` are cut and not yet dropped, `ended` says all were read.

    `block_bytes` is the size of a block and of a piece.
    """

    def __init__(
        self,
        reader: IO[bytes],
        *,
        spaces: bool = False,
        fold: bool = False,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.tokens: list[bytes] = []
        self.ended = False
        self._reader = reader
        self._pattern = _TOKEN_OR_SPACE if spaces else _TOKEN
        self._spaces = spaces
        self._fold = fold
        self._cut = block_bytes
        self._carry = b""
        self._in_long = False
        # To find the place of a token again: the text it was cut from and what was dropped.
        self._text = b""
        self._text_end = 0
        self._dropped = 0
        self._pieces = 0

    def read(self) -> bytes:
        """Return the next block; it must then go to `feed` or `skip`."""
        return read_block(self._reader, self._cut)

    @property
    def place(self) -> tuple[bool, bytes]:
        """The unfinished token the next block continues; equal places mean equal cutting."""
        return self._in_long, self._carry

    def feed(self, block: bytes) -> None:
        """Cut a block into tokens; an empty block ends the stream. `tokens` must be empty."""
        assert not self.tokens
        self.ended = not block
        text = self._carry + block if self._carry else block
        self._text, self._text_end = text, self._text_end + len(block)
        self._dropped = self._pieces = 0
        if self._fold:
            text = text.lower()
        tokens = self._pattern.findall(text) if self._spaces else text.split()
        unfinished = not self.ended and text[-1] not in _WHITESPACE
        self._carry = tokens.pop() if unfinished else b""
        head = tokens[0] if tokens else self._carry
        if self._in_long or len(head) > self._cut:
            self._cut_long(head, tokens)
        self.tokens = tokens
        if self._carry:
            # The carry is what was written: the next text begins with it.
            self._carry = self._text[-len(self._carry) :]

    def _cut_long(self, head: bytes, tokens: list[bytes]) -> None:
        """Replace the first token, whole or carried, by its pieces."""
        cut = self._cut
        ends = range(cut, len(head), cut)
        pieces = [head[end - cut : end] + b" " for end in ends]
        rest = head[len(pieces) * cut :]
        self._pieces = len(pieces)
        if tokens:
            tokens[0:1] = [*pieces, b" " + rest]
            self._in_long = False
        else:
            tokens[:] = pieces
            self._carry = rest
            self._in_long = self._in_long or bool(pieces)

    def skip(self, block: bytes) -> None:
        """Pass over a block that is the same on both sides, keeping its unfinished token."""
        self._text_end += len(block)
        tail = block[block.rfind(b"\n") + 1 :]
        if not tail or tail[-1] in _WHITESPACE:
            self._carry, self._in_long = b"", False
            return
        last = tail.rsplit(None, 1)[-1]
        if len(last) < len(block):
            self._carry, self._in_long = last, False
            return
        whole = self._carry + block
        kept = (len(whole) - 1) % self._cut + 1
        self._in_long = self._in_long or kept < len(whole)
        self._carry = whole[-kept:]

    def drop(self, count: int) -> None:
        """Forget the first tokens."""
        self._dropped += count
        if count == len(self.tokens):
            self.tokens = []
        else:
            del self.tokens[:count]

    def offset(self, index: int) -> int:
        """Return where in the stream `tokens[index]` begins, or the end when there is none."""
        if index >= len(self.tokens):
            return self._text_end
        return self._text_end - len(self._text) + self._match(index).start()

    def original(self, index: int) -> bytes:
        """Return `tokens[index]` as it was written, of a long token what is at hand."""
        return self._match(index)[0] if index < len(self.tokens) else b""

    def _match(self, index: int) -> re.Match[bytes]:
        nth = max(0, self._dropped + index - self._pieces)
        return next(islice(self._pattern.finditer(self._text), nth, None))


def position(source: Source, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a byte offset; reads the source up to there."""
    line, line_start, at = 1, 0, 0
    with reading(source) as reader:
        while at < offset:
            block = read_block(reader, min(BLOCK_BYTES, offset - at))
            if not block:
                break
            newlines = block.count(b"\n")
            if newlines:
                line += newlines
                line_start = at + block.rfind(b"\n") + 1
            at += len(block)
    return line, at - line_start + 1
