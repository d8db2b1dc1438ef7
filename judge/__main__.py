"""`python -m judge` is `codebattle`."""

from judge.cli import main

main()
