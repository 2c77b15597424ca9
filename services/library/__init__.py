"""Documents of a tenant, in passages that are found by what they say and what they mean.

Belongs here: reading what was sent, indexing it, the index and its makers, searching. Does not belong here: how texts
become vectors (`services/embeddings`), and how they are cut (`domain/chunking`).
"""
