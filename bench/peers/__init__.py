"""One program per peer, each run by the Python of that peer's own environment, with the stub in the same place.

Belongs here: each workload as that library's users would write it, by its documentation, with its default settings.
"""
