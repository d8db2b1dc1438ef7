"""Local accounts, for a service that stands alone."""
