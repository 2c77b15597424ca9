"""The deployment's secrets: who may use which, where each may be sent, and texts without them.

A value leaves this module for the call that needs it, and goes nowhere else: what comes back is `scrubbed` before
anything records it.
"""

from __future__ import annotations

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from domain.errors import Code, Fault, Problem, ProblemError
from domain.secrets import SecretReference
from domain.values import Json
from domain.webhooks import Target
from services.hosts import AllowedHosts
from services.settings import Settings

GONE = "[secret]"
"""Stands where a secret stood."""
MOST_PASSING = 32


class Secrets:
    def __init__(
        self, values: Mapping[str, str], hosts: Mapping[str, AllowedHosts], tenants: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._values = values
        self._hosts = hosts
        self._tenants = tenants
        self._passing: OrderedDict[str, None] = OrderedDict()
        self._shapes = self._compiled()

    @staticmethod
    def of(settings: Settings) -> Secrets:
        given = {name: value.get_secret_value() for name, value in settings.secrets.items()}
        # What Azure could not look up stays as the reference it is: a secret that is missing.
        values = {name: value for name, value in given.items() if not value.startswith("@Microsoft.KeyVault(")}
        hosts = {name: AllowedHosts.for_tools(",".join(hosts)) for name, hosts in settings.secret_hosts.items()}
        return Secrets(values, hosts, settings.secret_tenants)

    def for_host(self, reference: SecretReference, tenant: str, target: Target) -> str:
        """The text to send to `target`. Raises `ProblemError` secret_unavailable."""
        value = self.local(reference, tenant)
        hosts = self._hosts.get(reference.secret)
        if hosts is None or hosts.refusal(target) is not None:
            message = f"Secret `{reference.secret}` may not be sent to {target.scheme}://{target.authority}."
            action = f"Have it added to `{reference.secret}` in SECRET_HOSTS, or correct the address."
            raise _unavailable(message, action)
        return value

    def local(self, reference: SecretReference, tenant: str) -> str:
        """The text, for a process of the deployment's own. Raises `ProblemError` secret_unavailable."""
        name = reference.secret
        # What another tenant has looks like what nobody has.
        if name not in self._values or tenant not in self._tenants.get(name, (tenant,)):
            message = f"There is no secret `{name}` for you in this deployment."
            action = f"Have SECRET_{name} set (and SECRET_TENANTS, if it lists `{name}`), or correct the name."
            raise _unavailable(message, action)
        return reference.prefix + self._values[name]

    def hide(self, value: str) -> None:
        """Have it taken out of texts as secrets are: a token that was got for a while."""
        if value in self._passing:
            return
        self._passing[value] = None
        if len(self._passing) > MOST_PASSING:
            self._passing.popitem(last=False)
        self._shapes = self._compiled()

    def scrubbed(self, value: Json) -> Json:
        """The value with each secret of the deployment, however it is written, taken out of its texts."""
        if self._shapes is None:
            return value
        if isinstance(value, str):
            return self._shapes.sub(GONE, value)
        if isinstance(value, dict):
            return {self.scrubbed(key): self.scrubbed(item) for key, item in value.items()}
        return [self.scrubbed(item) for item in value] if isinstance(value, list) else value

    def _compiled(self) -> re.Pattern[str] | None:
        every = [*self._values.values(), *self._passing]
        shapes = sorted({shape for value in every for shape in _shapes(value)}, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, shapes))) if shapes else None

    def scrubbed_problem(self, problem: Problem) -> Problem:
        texts = {"message": self.scrubbed(problem.message), "action": self.scrubbed(problem.action)}
        details = tuple(
            detail.model_copy(update={"message": self.scrubbed(detail.message)}) for detail in problem.details
        )
        return problem.model_copy(update={**texts, "details": details})


def _shapes(value: str) -> Iterator[str]:
    """The ways a service may say the value back: as it is, in a URL, in JSON, and as basic authentication writes it."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield base64.b64encode(value.encode()).decode().rstrip("=")
    yield base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def _unavailable(message: str, action: str) -> ProblemError:
    problem = Problem(code=Code.SECRET_UNAVAILABLE, message=message, action=action, fault=Fault.PLATFORM)
    return ProblemError(problem)
