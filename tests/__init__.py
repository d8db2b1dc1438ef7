"""All tests; each directory says what it holds."""
