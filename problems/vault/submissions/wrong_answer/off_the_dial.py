"""Asks for a mark that is not there."""

for _ in range(int(input())):
    print(f"? {input()}", flush=True)
    input()
