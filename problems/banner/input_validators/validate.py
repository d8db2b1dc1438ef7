"""An odd height of 5 to 99 and an upper-case letter."""

import re
import sys

match = re.fullmatch(rb"([1-9][0-9]?) [A-Z]\n", sys.stdin.buffer.read())
good = match and int(match[1]) >= 5 and int(match[1]) % 2 == 1
sys.exit(42 if good else 1)
