"""How well and how fast copies are found: `make bench-similarity DATA=DIR`.

`accuracy` on labelled sets, `robustness` against seeded obfuscations, `speed` on corpora of many
sizes and against an archive. The sets stay outside the repository: docs/similarity.md says how
DIR is laid out and where they come from.
"""
