"""Whether telemetry is on: the exporters are imported only where the settings name a place to send it to."""

from __future__ import annotations

from services.settings import Settings
from services.telemetry.base import Telemetry


def telemetry_of(settings: Settings) -> Telemetry:
    if not settings.tells_telemetry:
        return Telemetry()
    from services.telemetry.exporting import Exporting  # noqa: PLC0415 - slow to import

    return Exporting(settings)
