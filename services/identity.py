"""Who is calling: one shared token, one tenant."""

from __future__ import annotations

import hmac

from domain.base import Shape
from services.problems import unauthenticated
from services.settings import Settings

TENANT = "local"


class Principal(Shape):
    """The caller, as every access to data takes its tenant from."""

    tenant: str
    name: str
    roles: tuple[str, ...]


class TokenAuthenticator:
    """Accepts whoever sends the token of META_AGENTS_TOKEN or, if unset, of the file `token` in the state directory."""

    def __init__(self, settings: Settings) -> None:
        self._fixed = settings.token.get_secret_value() if settings.token else None
        self._file = settings.state_dir / "token"

    def __call__(self, authorization: str | None) -> Principal:
        """The caller behind an Authorization header. Raises `ProblemError` unauthenticated."""
        scheme, _, sent = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not sent.strip():
            raise unauthenticated("The request has no token.", "Send it in a header: `Authorization: Bearer TOKEN`.")
        expected = self._expected()
        if not expected:
            raise unauthenticated(
                "No token is set up, so nobody can be let in.",
                "Set META_AGENTS_TOKEN, or write a token into the file `token` in the state directory.",
            )
        if not hmac.compare_digest(_bytes(sent.strip()), _bytes(expected)):
            raise unauthenticated("The token is not the right one.", "Send the token this deployment was set up with.")
        return Principal(tenant=TENANT, name="owner", roles=("admin",))

    def _expected(self) -> str | None:
        if self._fixed:
            return self._fixed
        try:
            # Read each time, so that a new token counts at once.
            return self._file.read_text("utf-8").strip()
        except FileNotFoundError:
            return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
