"""Is it alive, is it ready, which version is it."""
