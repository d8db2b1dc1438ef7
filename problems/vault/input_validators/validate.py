"""The number of vaults, then size and secret of each."""

import re
import sys

lines = sys.stdin.buffer.read().split(b"\n")
if lines.pop() != b"" or not lines or not re.fullmatch(rb"[1-9][0-9]{0,2}", lines[0]):
    sys.exit(1)
count, vaults = int(lines[0]), lines[1:]
NUMBER = rb"(0|[1-9][0-9]{0,9})"
if not (count <= 200 and len(vaults) == count):
    sys.exit(1)
for vault in vaults:
    match = re.fullmatch(NUMBER + b" " + NUMBER, vault)
    if not match or not 1 <= int(match[1]) <= 10**9 or not int(match[2]) < int(match[1]):
        sys.exit(1)
sys.exit(42)
