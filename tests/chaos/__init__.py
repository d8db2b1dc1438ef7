"""Kills everything the service is made of, at random, under load, and counts what was lost.

`programs` is what is sent in, `players` send it, `followers` read their streams, `stack` runs the
service, `killing` kills it, `checking` counts, `run` puts it together.
"""
