"""Documents in partitions, each partition with one append-only stream.

Belongs here: the interface and its makers. Does not belong here: what the documents mean (the repositories above).
"""
