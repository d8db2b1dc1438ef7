"""Deciding whether an output is right: the default validator, custom ones, and the verdict."""
