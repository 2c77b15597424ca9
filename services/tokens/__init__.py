"""How many tokens a text, and a request to a model, is.

Belongs here: counting, and the vocabularies it needs. Does not belong here: what is done when there are too many.
"""
