"""What stops the host before it serves anything."""

from __future__ import annotations


class StartupError(Exception):
    """The app cannot be served as it stands. The message is one sentence that says what to change."""
