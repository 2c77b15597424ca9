"""What can go wrong with the engine itself, as against with an instance (see `devhost.ports`)."""

from __future__ import annotations


class EngineError(Exception):
    """Base of the engine's own errors; the message is one sentence for the person at the keyboard."""


class StateFileInUse(EngineError):
    """Another process holds the state file."""


class StateFileUnusable(EngineError):
    """The state file is no state file of ours, or was written by a newer version."""


class EngineStopped(EngineError):
    """The engine is not started, is stopped, or has failed; nothing more is accepted."""
