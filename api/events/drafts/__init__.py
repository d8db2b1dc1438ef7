"""Drafts: what somebody has in their editor, kept for them and handed in at the bell."""
