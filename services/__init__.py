"""Everything that talks to the world: stores, artifacts, models, realtime, identity, settings.

Belongs here: I/O behind small interfaces, and the repositories that speak `domain` above them.
Does not belong here: HTTP routes, Durable Functions, decisions that need no I/O (those are `domain`).
"""
