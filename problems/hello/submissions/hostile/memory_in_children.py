"""Each child stays below the limit, together they do not."""

import os

for _ in range(12):
    if os.fork() == 0:
        hoard = bytearray(b"x") * (100 << 20)
        while True:
            hoard[0] ^= 1
while True:
    os.wait()
