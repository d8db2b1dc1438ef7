"""Has no points to lose."""

print(0)
