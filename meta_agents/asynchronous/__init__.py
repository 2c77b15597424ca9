"""The asynchronous client, and the only one that is written by hand.

Belongs here: resources, whose methods await one operation or read a list.
Does not belong here: what an operation sends and reads (`operations`), and the synchronous twin, which is made of this.
"""
