"""One handle on one line, nothing else."""

import re
import sys

text = sys.stdin.buffer.read()
sys.exit(42 if re.fullmatch(rb"[A-Za-z0-9_]{1,20}\n", text) else 1)
