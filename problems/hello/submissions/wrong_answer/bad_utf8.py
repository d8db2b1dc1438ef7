"""The right words, then bytes that are no text at all."""

import sys

sys.stdout.buffer.write(f"Welcome to the arena, {input()}!\n".encode() + b"\x00\xff\xfe\n")
