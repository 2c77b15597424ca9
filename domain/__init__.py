"""The pure heart: definitions, the workflow language, expressions, events, errors.

Belongs here: data shapes and decisions that depend on nothing but their arguments.
Does not belong here: I/O, the clock, randomness, environment variables, Azure, HTTP.
"""
