"""The message on stdin, the mode and key as arguments, the wheel in the current directory."""

import re
import sys
from pathlib import Path

if len(sys.argv) != 3 or sys.argv[1] not in {"encode", "decode"}:
    sys.exit(1)
if not re.fullmatch(r"0|[1-9][0-9]{0,3}", sys.argv[2]) or int(sys.argv[2]) > 1000:
    sys.exit(1)
wheel = Path("wheel.txt").read_bytes()
if bytes(sorted(wheel)) != b"\nABCDEFGHIJKLMNOPQRSTUVWXYZ" or not wheel.endswith(b"\n"):
    sys.exit(1)
lines = sys.stdin.buffer.read().split(b"\n")
if lines.pop() != b"" or not 1 <= len(lines) <= 1000:
    sys.exit(1)
good = all(len(line) <= 200 and re.fullmatch(rb"[A-Z]+(?: [A-Z]+)*", line) for line in lines)
sys.exit(42 if good else 1)
