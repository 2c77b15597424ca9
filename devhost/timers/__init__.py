"""Timer triggers: schedules, what is remembered of them, and the loop that fires each.

Belongs here: when a timer function runs and what it is told.
Does not belong here: durable timers, which are the engine's, and how a function is called.
"""
