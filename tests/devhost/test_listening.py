"""The socket the host listens on."""

from __future__ import annotations

import socket

import pytest

from devhost.errors import StartupError
from devhost.listening import listen, origin_of


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1"),
        ("0.0.0.0", "http://127.0.0.1"),  # noqa: S104 - for the length of a test
        ("::1", "http://[::1]"),
        ("::", "http://[::1]"),
    ],
)
def test_the_origin_is_where_this_machine_reaches_it(host: str, origin: str) -> None:
    with listen(host, 0) as listener:
        assert origin_of(listener) == f"{origin}:{listener.getsockname()[1]}"
        socket.create_connection(("::1" if ":" in host else "127.0.0.1", listener.getsockname()[1])).close()


def test_it_says_tcp_so_that_answers_do_not_wait() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_an_address_that_is_not_here() -> None:
    with pytest.raises(StartupError, match=r"^Cannot listen on 192\.0\.2\.1:0: "):
        listen("192.0.2.1", 0)


def test_a_number_that_is_no_port() -> None:
    with pytest.raises(StartupError, match="a port is a number from 0 to 65535"):
        listen("127.0.0.1", 99_999)
