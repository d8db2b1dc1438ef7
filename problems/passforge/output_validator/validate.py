"""Check a password by the rule; the answer file only says whether there is one.

Works on bytes, so that no output can break it by its encoding.
"""

import sys
from pathlib import Path
from typing import NoReturn

ALPHABET = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
SHOWN_MAX = 40

input_file, answer_file, feedback_dir = sys.argv[1:4]


def finish(code: int, message: str) -> NoReturn:
    with (Path(feedback_dir) / "judgemessage.txt").open("a", encoding="utf-8") as file:
        file.write(f"{message}\n")
    sys.exit(code)


def reject(message: str) -> NoReturn:
    finish(43, message)


length, total = map(int, Path(input_file).read_text(encoding="ascii").split())
possible = Path(answer_file).read_bytes().strip() != b"-"
words = sys.stdin.buffer.read().split()

if len(words) != 1:
    reject(f"expected one word, found {len(words)}")
word = words[0]
if word == b"-":
    if possible:
        reject("a password exists, the output denies it")
    finish(42, "no password, as expected")
if len(word) != length:
    reject(f"expected {length} characters, found {len(word)}")
strange = [byte for byte in word if byte not in ALPHABET]
if strange:
    reject(f"forbidden byte 0x{strange[0]:02x} in {word[:SHOWN_MAX]!r}")
for position, (left, right) in enumerate(zip(word, word[1:], strict=False), start=1):
    if left == right:
        reject(f"characters {position} and {position + 1} are equal")
found = sum(byte - ord("0") for byte in word if byte <= ord("9"))
if found != total:
    reject(f"the digits add up to {found}, not {total}")
if not possible:
    # Neither 42 nor 43: our own answer file is wrong.
    finish(1, "the output is a password although the answer file says there is none")
finish(42, "a good password")
