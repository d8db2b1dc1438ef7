"""The first small letter of the greeting is Cyrillic."""

import sys

sys.stdout.buffer.write("W\u0435lcome to the arena, {}!\n".format(input()).encode())
