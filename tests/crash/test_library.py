"""Killing the host while it indexes documents: all become ready, and what was embedded is not embedded again."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from meta_agents.testing.embeddings import embedded
from services.embeddings.base import MOST_TEXTS
from tests.crash.system import System, wait_until

KILLS = 5
SEED = 11
NAMES = ("one.md", "two.md", "three.md")
SECTIONS = 260
LATENCY_SECONDS = 0.05


class Endpoint:
    """An endpoint for embeddings that outlives the host, and counts how often each text came."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        counted = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                counted.update(asked["input"])
                time.sleep(LATENCY_SECONDS)  # so that kills meet calls that are under way
                body = json.dumps(embedded(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A caller that was killed is no fault."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def document(name: str) -> bytes:
    sections = (f"## Part {number}\n\n" + f"In {name}, {number} says so. " * 25 for number in range(SECTIONS))
    return "\n\n".join(sections).encode()


def embedded_so_far(system: System) -> int:
    return sum(found.embedded for found in system.client.library.list("docs"))


def has_embedded(system: System, many: int) -> bool:
    return embedded_so_far(system) >= many


def is_indexed(system: System) -> bool:
    return all(found.status == "ready" for found in system.client.library.list("docs"))


def test_documents_are_indexed_once_whenever_the_host_was_killed(tmp_path: Path) -> None:
    chance, endpoint = random.Random(SEED), Endpoint()
    environment = {"EMBEDDING_MODEL": "small", "EMBEDDING_BASE_URL": endpoint.url, "SWEEP_CRON": "* * * * * *"}
    try:
        with System(tmp_path, environment=environment) as system:
            for name in NAMES:
                system.client.library.put("docs", name, document(name))
            begun: list[int] = []
            for moment in sorted(chance.sample(range(1, SECTIONS), KILLS)):
                wait_until(partial(has_embedded, system, moment), f"{moment} passages")
                time.sleep(chance.uniform(0, LATENCY_SECONDS))  # the random moment itself
                system.host.kill()
                system.host.start()
                begun.append(embedded_so_far(system))
            print(f"passages embedded after each kill: {begun}")
            wait_until(partial(is_indexed, system), "all documents")
            found = list(system.client.library.list("docs"))
            passages = sum(one.passages for one in found)
            assert passages == len(endpoint.texts) > 3 * MOST_TEXTS
            # What was under way when the host was killed, one call of each document, was paid and nobody could keep it.
            repeated = endpoint.texts.total() - passages
            print(f"{passages} passages, {repeated} of them embedded once more")
            assert repeated <= KILLS * len(NAMES) * MOST_TEXTS
            assert max(endpoint.texts.values()) <= 1 + KILLS
            tokens = sum(one.tokens for one in found)
            assert tokens == sum(len(text.split()) for text in endpoint.texts), "what is kept is counted once"
            assert system.client.library.search("docs", "two.md says so").items[0].document in NAMES
    finally:
        endpoint.close()
