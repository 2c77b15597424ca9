"""Rewind."""

from devhost.engine.kernel import Kernel


def rewind(kernel: Kernel, instance_id: str, reason: str) -> None:
    raise NotImplementedError
