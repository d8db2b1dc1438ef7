"""House rules and documents, as tests."""
