"""Two passes: shuffle the postcards of the first, compare the number of the second.

The input file is the same in both passes, so the state lives in the feedback directory.
The order in which cards arrive is an argument: sorted, reversed, rotated or random:SEED.
"""

import random
import re
import sys
from pathlib import Path
from typing import NoReturn

CARDS_MAX = 15
VALUE_MAX = 1000
NUMBER = re.compile(rb"0|[1-9][0-9]{0,15}")

input_file, answer_file, feedback_dir, *options = sys.argv[1:]
feedback = Path(feedback_dir)


def finish(code: int, message: str) -> NoReturn:
    with (feedback / "judgemessage.txt").open("a", encoding="utf-8") as file:
        file.write(f"{message}\n")
    sys.exit(code)


def numbers_of_team() -> list[int]:
    words = sys.stdin.buffer.read().split()
    for word in words:
        if not NUMBER.fullmatch(word):
            finish(43, f"not a number: {word[:40]!r}")
    return [int(word) for word in words]


def shuffled(cards: list[int], order: str) -> list[int]:
    if order == "sorted":
        return sorted(cards)
    if order == "reversed":
        return cards[::-1]
    if order == "rotated":
        return cards[1:] + cards[:1]
    kind, _, seed = order.partition(":")
    if kind != "random":
        finish(1, f"unknown order {order}")
    random.Random(int(seed)).shuffle(cards)
    return cards


def first_pass(order: str) -> NoReturn:
    numbers = numbers_of_team()
    if not numbers or len(numbers) != numbers[0] + 1:
        finish(43, f"pass 1: {len(numbers)} numbers do not begin with the number of cards")
    count, *cards = numbers
    if not 1 <= count <= CARDS_MAX:
        finish(43, f"pass 1: {count} postcards")
    if not all(1 <= card <= VALUE_MAX for card in cards):
        finish(43, "pass 1: a card is out of range")
    line = " ".join(map(str, shuffled(cards, order)))
    (feedback / "nextpass.in").write_text(f"receive\n{count}\n{line}\n", encoding="ascii")
    (feedback / "sent").write_text("", encoding="ascii")
    finish(42, f"pass 1: {count} postcards sent")


def second_pass() -> NoReturn:
    secret = int(Path(answer_file).read_text(encoding="ascii"))
    numbers = numbers_of_team()
    if numbers != [secret]:
        finish(43, f"pass 2: expected {secret}, received {numbers[:3]}")
    finish(42, "pass 2: received")


if (feedback / "sent").exists():
    second_pass()
first_pass(options[0] if options else "sorted")
