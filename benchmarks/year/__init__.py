"""A seeded year of calls to a Thai government hotline, made without any telephone.

`shape` says how many calls fall on each half-hour, `calls` makes them, `fill` writes them down,
`beside` adds the figures of what is no call; `python -m benchmarks.year COUNT PATH` makes a
database of them.
"""
