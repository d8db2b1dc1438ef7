"""Rooms: who plays with whom, who is there and ready, and what time it is."""
