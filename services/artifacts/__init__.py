"""Payloads too large for a document, named by their content.

Belongs here: the interface and its makers. Does not belong here: which payloads these are (the event log decides).
"""
