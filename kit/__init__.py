"""Plays the tests of workflows: over the real engine and interpreter, everyone around them by script, in virtual time.

Belongs here: what `meta-agents test` runs. It may use every room, and no room may use it.
Does not belong here: tests of our own; anything that is deployed.
"""
