"""The right greeting, then nine megabytes of blanks: right but for the output limit."""

print(f"Welcome to the arena, {input()}!" + " " * 9_000_000)
