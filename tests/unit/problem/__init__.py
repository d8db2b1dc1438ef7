"""Reading problem packages."""
