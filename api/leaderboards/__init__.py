"""Leaderboards: kept up to date with every judgement, and equal to one made from scratch."""
