"""The word `send` and the number of the scout."""

import re
import sys

match = re.fullmatch(rb"send\n(0|[1-9][0-9]{0,12})\n", sys.stdin.buffer.read())
sys.exit(42 if match and int(match[1]) <= 10**12 else 1)
