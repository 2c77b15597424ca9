"""Model endpoints behind one client, with every failure typed.

Belongs here: one attempt at one model call. Does not belong here: prompts, retries, recording (the activities' matter).
"""
