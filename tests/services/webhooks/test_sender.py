"""One call of a webhook: what is sent, what its answers mean, and whom it never reaches."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from standardwebhooks import WebhookVerificationError
from starlette.responses import Response

from domain.webhooks import Webhook
from services.reaching import Resolve
from services.settings import Settings
from services.webhooks import sender as sending
from services.webhooks.sender import Answer, WebhookSender
from tests.services.models.endpoint import RawEndpoint, http
from tests.support.receiver import SECRET, Receiver
from tests.support.resolving import leads_to

OTHER_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc3VmZmljaWVudCBsZW5ndGg="
BODY = '{"type":"execution.completed","text":"für Zoë"}'
MakeSender = Callable[..., WebhookSender]


@pytest.fixture
async def make_sender() -> AsyncIterator[MakeSender]:
    made: list[WebhookSender] = []

    def make(hosts: str, resolve: Resolve | None = None, secret: str = SECRET) -> WebhookSender:
        settings = Settings.from_environment({"WEBHOOK_HOSTS": hosts, "WEBHOOK_SECRET": secret})
        made.append(WebhookSender(settings, resolve))
        return made[-1]

    yield make
    for sender in made:
        await sender.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def sender(make_sender: MakeSender, receiver: Receiver) -> WebhookSender:
    return make_sender(f"127.0.0.1:{receiver.port}")


async def send(sender: WebhookSender, url: str) -> Answer:
    return await sender.send(Webhook(url=url), "e1-completed", BODY)


class TestSigning:
    async def test_the_message_is_what_the_standard_says(self, sender: WebhookSender, receiver: Receiver) -> None:
        assert await send(sender, f"{receiver.url}?to=me") == Answer(204)
        [got] = receiver.received
        assert got.verified() == json.loads(BODY)
        assert got.body == BODY.encode()
        assert got.id == "e1-completed"
        assert abs(datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC) - datetime.now(UTC)) < timedelta(
            minutes=1
        )
        assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert got.headers["content-type"] == "application/json"
        assert got.headers["content-length"] == str(len(BODY.encode()))

    async def test_with_another_secret_it_does_not_verify(self, sender: WebhookSender, receiver: Receiver) -> None:
        await send(sender, receiver.url)
        with pytest.raises(WebhookVerificationError):
            receiver.received[0].verified(OTHER_SECRET)

    async def test_while_the_secret_changes_either_verifies(self, make_sender: MakeSender, receiver: Receiver) -> None:
        await send(make_sender(f"127.0.0.1:{receiver.port}", secret=f"{SECRET} {OTHER_SECRET}"), receiver.url)
        [got] = receiver.received
        assert got.verified(SECRET) == got.verified(OTHER_SECRET)


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    async def test_taken(self, sender: WebhookSender, receiver: Receiver, status: int) -> None:
        receiver.answers.append(status)
        answer = await send(sender, receiver.url)
        assert answer == Answer(status)
        assert answer.is_final

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 502, 503, 504])
    async def test_refused_for_now(self, sender: WebhookSender, receiver: Receiver, status: int) -> None:
        receiver.answers.append(Response(status_code=status, headers={"Retry-After": "120"}))
        answer = await send(sender, receiver.url)
        assert answer == Answer(status, f"It answered {status}.", retry_after=120)
        assert not answer.is_final

    async def test_gone_for_good(self, sender: WebhookSender, receiver: Receiver) -> None:
        receiver.answers.append(410)
        answer = await send(sender, receiver.url)
        assert (answer.status, answer.is_final) == (410, True)
        assert "wants no more" in (answer.error or "")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirects_are_not_followed(self, sender: WebhookSender, receiver: Receiver, status: int) -> None:
        receiver.answers.append(Response(status_code=status, headers={"Location": "/elsewhere"}))
        answer = await send(sender, receiver.url)
        assert answer == Answer(status, f"It answered {status}, and redirects are not followed.")
        assert not answer.is_final
        assert [got.path for got in receiver.received] == ["/hook"]

    async def test_an_endless_answer_is_not_read(self, make_sender: MakeSender) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()

        async with RawEndpoint(endless) as endpoint:
            assert await send(make_sender(f"127.0.0.1:{endpoint.port}"), endpoint.origin) == Answer(200)
            async with asyncio.timeout(5):
                await endpoint.closed.wait()

    async def test_no_answer_in_time(self, make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, time = asyncio.get_running_loop(), asyncio.get_running_loop().time

        async def silent(_: asyncio.StreamWriter) -> None:
            # The time is up as soon as it has been asked, and not before.
            monkeypatch.setattr(loop, "time", lambda: time() + sending.SECONDS)
            await asyncio.Event().wait()

        async with RawEndpoint(silent) as endpoint:
            answer = await send(make_sender(f"127.0.0.1:{endpoint.port}"), endpoint.origin)
            async with asyncio.timeout(5):
                await endpoint.closed.wait()
        assert answer == Answer(error="It did not answer within 15 seconds.")

    async def test_a_name_that_takes_too_long_to_look_up(
        self, make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "SECONDS", 0.05)

        async def never(host: str, port: int) -> Sequence[str]:
            await asyncio.Event().wait()
            return ()

        answer = await send(make_sender("hooks.example.com", never), "https://hooks.example.com")
        assert answer == Answer(error="It did not answer within 0.05 seconds.")

    async def test_it_breaks_off(self, make_sender: MakeSender) -> None:
        async with RawEndpoint(b"") as endpoint:
            answer = await send(make_sender(f"127.0.0.1:{endpoint.port}"), endpoint.origin)
        assert answer.status is None
        assert (answer.error or "").startswith("It broke off without an answer: ")

    async def test_it_speaks_something_else(self, make_sender: MakeSender) -> None:
        async with RawEndpoint(b"220 mail.example.com ESMTP\r\n") as endpoint:
            answer = await send(make_sender(f"127.0.0.1:{endpoint.port}"), endpoint.origin)
        assert (answer.status, answer.is_final) == (None, False)

    async def test_nobody_listens(self, make_sender: MakeSender) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        answer = await send(make_sender(f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}")
        assert (answer.error or "").startswith("It could not be reached: ")

    async def test_the_name_is_unknown(self, make_sender: MakeSender) -> None:
        async def unknown(host: str, port: int) -> Sequence[str]:
            raise socket.gaierror(-2, "Name or service not known")

        answer = await send(make_sender("hooks.example.com", unknown), "https://hooks.example.com")
        assert answer.error == "hooks.example.com has no address: [Errno -2] Name or service not known."


class TestWhomItReaches:
    async def test_a_host_that_is_not_listed_any_more_is_not_called(
        self, make_sender: MakeSender, receiver: Receiver
    ) -> None:
        answer = await send(make_sender("hooks.example.com"), receiver.url)
        assert "WEBHOOK_HOSTS does not list" in (answer.error or "")
        assert not answer.is_final
        assert receiver.received == []

    async def test_without_hosts_webhooks_are_off(self, receiver: Receiver) -> None:
        sender = WebhookSender(Settings())
        answer = await send(sender, receiver.url)
        assert "webhooks are off in this deployment: its setting WEBHOOK_HOSTS" in (answer.error or "")
        assert receiver.received == []

    @pytest.mark.parametrize(
        "addresses",
        [
            ["127.0.0.1"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["169.254.169.254"],
            ["0.0.0.0"],  # noqa: S104
            # One honest address does not excuse another.
            ["93.184.216.34", "127.0.0.1"],
        ],
    )
    async def test_a_name_that_leads_inside_is_not_called(
        self, make_sender: MakeSender, receiver: Receiver, addresses: list[str]
    ) -> None:
        sender = make_sender(f"hooks.example.com:{receiver.port}", leads_to(*addresses))
        answer = await send(sender, f"https://hooks.example.com:{receiver.port}")
        assert f"leads to {ip_address(addresses[-1])}, which is not public" in (answer.error or "")
        assert not answer.is_final
        assert receiver.received == []

    async def test_it_connects_to_the_address_that_was_looked_at(
        self, make_sender: MakeSender, receiver: Receiver
    ) -> None:
        """A second look-up could find another: there is none."""
        asked: list[str] = []

        async def once(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        sender = make_sender(f"localhost:{receiver.port}", once)
        assert await send(sender, f"http://localhost:{receiver.port}/x") == Answer(204)
        assert asked == ["localhost"]
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"

    async def test_another_of_its_addresses_is_tried_when_one_does_not_answer(
        self, make_sender: MakeSender, receiver: Receiver
    ) -> None:
        sender = make_sender(f"localhost:{receiver.port}", leads_to("::1", "127.0.0.1"))
        assert await send(sender, f"http://localhost:{receiver.port}/x") == Answer(204)
        assert len(receiver.received) == 1

    async def test_localhost_is_this_machine(self, make_sender: MakeSender, receiver: Receiver) -> None:
        sender = make_sender(f"localhost:{receiver.port}", leads_to("93.184.216.34"))
        answer = await send(sender, f"http://localhost:{receiver.port}")
        assert "leads to 93.184.216.34" in (answer.error or "")

    async def test_proxies_of_the_environment_are_not_used(
        self, sender: WebhookSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with RawEndpoint(http(200)) as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.origin)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            assert await send(sender, receiver.url) == Answer(204)
            assert proxy.received == []

    async def test_urls_are_not_written_to_the_log(
        self, sender: WebhookSender, receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        await send(sender, f"{receiver.url}?token=abc")
        said = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
        assert [text for text in said if "abc" in text] == []


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
        """Its certificates are trusted."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        return authority

    @staticmethod
    def receiver(certificate: trustme.LeafCert) -> Receiver:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return Receiver(tls=context)

    async def test_the_certificate_must_be_the_name_s(self, make_sender: MakeSender, authority: trustme.CA) -> None:
        with self.receiver(authority.issue_cert("hooks.example.com")) as receiver:
            hosts = f"hooks.example.com:{receiver.port},other.example.com:{receiver.port},127.0.0.1:{receiver.port}"
            sender = make_sender(hosts, leads_to("127.0.0.1"))
            assert await send(sender, f"https://hooks.example.com:{receiver.port}/x") == Answer(204)
            # The same address: a connection that is good for one name is not good for the other.
            other = await send(sender, f"https://other.example.com:{receiver.port}/x")
            assert "CERTIFICATE_VERIFY_FAILED" in (other.error or "")
        assert [got.headers["host"] for got in receiver.received] == [f"hooks.example.com:{receiver.port}"]

    async def test_it_must_be_of_an_authority_that_is_trusted(
        self, make_sender: MakeSender, authority: trustme.CA
    ) -> None:
        with self.receiver(trustme.CA().issue_cert("127.0.0.1")) as receiver:
            answer = await send(make_sender(f"127.0.0.1:{receiver.port}"), f"https://127.0.0.1:{receiver.port}/")
        assert "CERTIFICATE_VERIFY_FAILED" in (answer.error or "")
        assert receiver.received == []

    async def test_it_may_be_an_address_s(self, make_sender: MakeSender, authority: trustme.CA) -> None:
        with self.receiver(authority.issue_cert("127.0.0.1")) as receiver:
            answer = await send(make_sender(f"127.0.0.1:{receiver.port}"), f"https://127.0.0.1:{receiver.port}/")
        assert answer == Answer(204)
