"""An editor's mark in front of the right text."""

import sys

sys.stdout.buffer.write("\ufeffWelcome to the arena, {}!\n".format(input()).encode())
