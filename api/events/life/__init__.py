"""The life of an event over REST: asked for, planned, moved on, told of."""
