"""An execution as it goes: `state` reduces its events to what is true now, `view` shows that in a terminal."""

from meta_agents.live.state import State, reduce
from meta_agents.live.view import LiveView

__all__ = ["LiveView", "State", "reduce"]
