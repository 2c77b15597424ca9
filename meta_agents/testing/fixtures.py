"""The test kit's pytest fixtures: `pytest_plugins = ["meta_agents.testing.fixtures"]` in a conftest.py has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from meta_agents.testing.scripted import Line, ScriptedModel
from meta_agents.testing.stub import ModelStub


@pytest.fixture
def model_stub() -> Iterator[ModelStub]:
    """A model stub for the test."""
    with ModelStub() as stub:
        yield stub


@pytest.fixture
def scripted_model() -> Iterator[Callable[..., ScriptedModel]]:
    """Starts models that play the lines they are given; the test fails if one was called otherwise."""
    with ExitStack() as models:

        def start(*lines: Line, in_order: bool = True) -> ScriptedModel:
            return models.enter_context(ScriptedModel(lines, in_order=in_order))

        yield start
