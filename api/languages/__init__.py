"""The languages on offer."""
