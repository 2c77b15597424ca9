"""Telling a caller's URL that an execution has ended: who may be called, the signed call, what came of each attempt.

Does not belong here: when an attempt is due, which `domain/webhooks.py` and the orchestrator decide.
"""
