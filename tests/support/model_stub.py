"""The model stub by its old name, for tests being written beside its move to `meta_agents.testing`."""

from meta_agents.testing.answers import Answer
from meta_agents.testing.model_stub import main
from meta_agents.testing.server import MODEL, LogEntry, Stub
from meta_agents.testing.stub import ModelStub

__all__ = ["MODEL", "Answer", "LogEntry", "ModelStub", "Stub", "main"]

if __name__ == "__main__":
    main()
