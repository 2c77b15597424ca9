"""What the app tells of itself: traces, metrics and logs, by OpenTelemetry, to wherever the settings say.

Belongs here: what turns events into spans and counts, and the exporters, which are imported only where they are set up.
Does not belong here: anything an execution depends on. Nothing here blocks, raises, or is read back.
"""
