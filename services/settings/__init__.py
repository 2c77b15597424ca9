"""What the environment decides, and the one place that reads it. A group of settings is a module.

A new setting is a field of its group: docs/configuration.md and its checks are made from that.
"""

from services.settings.environment import SettingsError
from services.settings.models import Provider
from services.settings.settings import GROUPS, Settings

__all__ = ["GROUPS", "Provider", "Settings", "SettingsError"]
