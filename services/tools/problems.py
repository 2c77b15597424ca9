"""What goes wrong with tools, as `ProblemError`s ready to raise."""

from __future__ import annotations

from domain.errors import Code, Fault, Problem, ProblemError


def tool_failed(message: str, retry_after: float | None = None, *, retryable: bool = True) -> ProblemError:
    action = "Look at the tool; once it works, retry the execution: what was finished is reused."
    return _problem(Code.TOOL_FAILED, message, action, Fault.TOOL, retryable=retryable, retry_after=retry_after)


def tool_refused(message: str, action: str, fault: Fault = Fault.AUTHOR) -> ProblemError:
    return _problem(Code.TOOL_REFUSED, message, action, fault)


def tool_uncertain(name: str, why: str) -> ProblemError:
    message = f"Nobody knows whether tool `{name}` was carried out: {why}"
    action = "Look at the other side; then fork the execution with the step's output as it should be."
    return _problem(Code.TOOL_UNCERTAIN, message, action, Fault.TOOL)


def _problem(
    code: Code, message: str, action: str, fault: Fault, *, retryable: bool = False, retry_after: float | None = None
) -> ProblemError:
    return ProblemError(
        Problem(code=code, message=message, action=action, fault=fault, retryable=retryable, retry_after=retry_after)
    )
