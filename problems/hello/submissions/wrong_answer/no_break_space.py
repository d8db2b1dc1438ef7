"""A no-break space is not white space to the validator: one word is missing."""

import sys

sys.stdout.buffer.write("Welcome to the arena,\u00a0{}!\n".format(input()).encode())
