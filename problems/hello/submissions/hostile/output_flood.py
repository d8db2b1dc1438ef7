"""One endless line of zero bytes."""

import sys

while True:
    sys.stdout.buffer.write(bytes(1 << 16))
