"""Asks for a mark that is not there."""

import sys

sys.stdin.readline()
print(f"? {sys.stdin.readline().strip()}", flush=True)
sys.stdin.readline()
