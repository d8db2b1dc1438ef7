"""Accounts of our own: signing in, tokens, and who may do what (embedded mode)."""
