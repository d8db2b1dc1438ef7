"""One suite for every sandbox backend."""
