"""The `signalRConnectionInfo` input and the `signalR` output."""

from __future__ import annotations

import json
from collections.abc import Mapping

from azure.functions.meta import Datum

from devhost.expressions import BindingData, resolve
from devhost.functions import Binding
from devhost.signalr.claims import copied_claims
from devhost.signalr.endpoint import SETTING, Endpoint
from devhost.signalr.messages import GroupAction, Message, parse_output
from devhost.signalr.remote import RemoteService
from devhost.signalr.service import Service


class SignalRBindings:
    """Serves both bindings: in process for the emulated service, over REST for any other."""

    def __init__(self, emulated: Endpoint, service: Service, environ: Mapping[str, str]) -> None:
        self._emulated = emulated
        self._service = service
        self._environ = environ

    async def connection_info(self, binding: Binding, data: BindingData) -> str:
        """The JSON text a negotiate function returns: where to connect, and a token for the binding's user."""
        endpoint = self.endpoint(binding)
        url = endpoint.client_url(binding.text("hubName"))
        return json.dumps({"url": url, "accessToken": endpoint.mint(url, _claims(binding, data))})

    async def send(self, binding: Binding, datum: Datum, _: BindingData) -> None:
        """Deliver what the output binding was given. Raises `ValueError` when it is not what the binding takes."""
        endpoint, hub = self.endpoint(binding), binding.text("hubName")
        items = parse_output(datum.value)
        if endpoint == self._emulated:
            for item in items:
                _deliver(self._service, hub, item)
        else:
            await RemoteService(endpoint).deliver(hub, items)

    def endpoint(self, binding: Binding) -> Endpoint:
        """The service that a binding's setting names. Raises `ValueError` when it names none."""
        setting = binding.text("connectionStringSetting", SETTING)
        try:
            return Endpoint.parse(self._environ.get(setting, ""))
        except ValueError as error:
            raise ValueError(f"the app setting '{setting}' of the binding '{binding.name}': {error}") from error


def _claims(binding: Binding, data: BindingData) -> dict[str, object]:
    user, token = resolve(binding.text("userId"), data), resolve(binding.text("idToken"), data)
    wanted = binding.properties.get("claimTypeList")
    copied = copied_claims(token, map(str, wanted)) if token and isinstance(wanted, list) else {}
    return {**copied, **({"nameid": user} if user else {})}


def _deliver(service: Service, hub: str, item: Message | GroupAction) -> None:
    if isinstance(item, Message):
        service.send(hub, item)
    else:
        service.apply(hub, item)
