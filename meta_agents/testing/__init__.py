"""What tests of workflows and agents are written with: a model that answers by script, over OpenAI's own protocol.

Belongs here: stand-ins for what the app calls. They need `pip install "meta-agents[testing]"`.
Does not belong here: anything of the app; whatever speaks the protocol can be tested against them.
"""

try:
    from meta_agents.testing.asked import Asked
    from meta_agents.testing.scripted import Line, ScriptedModel, ScriptFailed, Use
    from meta_agents.testing.server import MODEL, LogEntry
    from meta_agents.testing.stub import ModelStub
except ModuleNotFoundError as error:
    raise ImportError(f'The test kit needs {error.name}: pip install "meta-agents[testing]"') from error

__all__ = ["MODEL", "Asked", "Line", "LogEntry", "ModelStub", "ScriptFailed", "ScriptedModel", "Use"]
