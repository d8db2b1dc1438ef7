"""Weigh and value the loot; the share of the best worth goes to score_multiplier.txt."""

import re
import sys
from pathlib import Path
from typing import NoReturn

input_file, answer_file, feedback_dir = sys.argv[1:4]
feedback = Path(feedback_dir)
NUMBER = re.compile(rb"0|[1-9][0-9]{0,8}")


def finish(code: int, message: str) -> NoReturn:
    with (feedback / "judgemessage.txt").open("a", encoding="utf-8") as file:
        file.write(f"{message}\n")
    sys.exit(code)


numbers = list(map(int, Path(input_file).read_text(encoding="ascii").split()))
count, lift, treasures = numbers[0], numbers[1], list(zip(numbers[2::2], numbers[3::2], strict=True))
best = int(Path(answer_file).read_text(encoding="ascii").split()[0])

words = sys.stdin.buffer.read().split()
if not words:
    finish(43, "no output")
for word in words:
    if not NUMBER.fullmatch(word):
        finish(43, f"not a number: {word[:40]!r}")
claimed, *taken = map(int, words)
if claimed != len(taken):
    finish(43, f"{claimed} treasures announced, {len(taken)} listed")
if len(set(taken)) != len(taken):
    finish(43, "a treasure is taken twice")
if not all(1 <= number <= count for number in taken):
    finish(43, "a treasure with that number does not exist")
weight = sum(treasures[number - 1][0] for number in taken)
worth = sum(treasures[number - 1][1] for number in taken)
if weight > lift:
    finish(43, f"the sack weighs {weight}, more than {lift}")
if worth > best:
    finish(1, f"the loot is worth {worth}, more than the best we know ({best})")
(feedback / "score_multiplier.txt").write_text(f"{worth / best:.9f}\n", encoding="ascii")
(feedback / "teammessage.txt").write_text(f"Your loot is worth {worth}.\n", encoding="ascii")
finish(42, f"worth {worth} of {best}")
