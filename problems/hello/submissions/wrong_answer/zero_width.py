"""Looks right on any screen."""

import sys

sys.stdout.buffer.write("Welcome to the arena, {}\u200b!\n".format(input()).encode())
