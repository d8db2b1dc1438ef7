"""Never thinks of the other way around the dial."""

import sys

sys.stdin.readline()
while sys.stdin.readline():
    print("? 0", flush=True)
    distance = sys.stdin.readline().strip()
    print(f"! {distance}", flush=True)
