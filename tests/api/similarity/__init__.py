"""The service of similarity."""
