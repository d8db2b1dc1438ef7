"""The problems we ship."""
