"""The steps, named by the time they were made."""
