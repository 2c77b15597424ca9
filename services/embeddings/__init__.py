"""Texts as vectors, near each other where the texts mean alike.

Belongs here: the interface and its makers. Does not belong here: which texts these are, and where vectors are kept.
"""
