"""The length and the digit sum, on one line."""

import re
import sys

match = re.fullmatch(rb"([1-9][0-9]{0,3}) (0|[1-9][0-9]{0,3})\n", sys.stdin.buffer.read())
sys.exit(42 if match and int(match[1]) <= 1000 and int(match[2]) <= 9000 else 1)
