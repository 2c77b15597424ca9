"""The problems that only services can find, as `ProblemError`s ready to raise."""

from __future__ import annotations

from domain.errors import Code, Fault, Problem, ProblemError


def conflict(message: str, action: str) -> ProblemError:
    return ProblemError(Problem(code=Code.CONFLICT, message=message, action=action, fault=Fault.CALLER))


def precondition_failed(message: str, action: str) -> ProblemError:
    return ProblemError(Problem(code=Code.PRECONDITION_FAILED, message=message, action=action, fault=Fault.CALLER))


def unauthenticated(message: str, action: str) -> ProblemError:
    return ProblemError(Problem(code=Code.UNAUTHENTICATED, message=message, action=action, fault=Fault.CALLER))
