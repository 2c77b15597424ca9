"""The model that stands in for every side's model client, in that side's own process.

It waits `BENCH_LATENCY` seconds, answers `ANSWER`, and writes one line at the start and one at the end of each call to
the file `BENCH_CALLS`: what a killed process had really done is read from there. With `BENCH_QUICK`, only so many calls
are answered; the others wait for ever, or with `BENCH_DIES` kill this process as they begin. With `BENCH_ENDPOINT`,
`model` asks the stub behind that address instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

ANSWER = "The findings of this step, in a few sentences of plain words. " * 7
"""434 characters: a short paragraph."""


class Stub:
    def __init__(self) -> None:
        self._latency = float(os.environ["BENCH_LATENCY"])
        self._quick = int(os.environ.get("BENCH_QUICK") or sys.maxsize)
        self._dies = bool(os.environ.get("BENCH_DIES"))
        self._made = 0
        # Append mode, one short write per line: whole lines from any thread, and kept when the process is killed.
        self._log = os.open(os.environ["BENCH_CALLS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def answer(self, key: str, latency: float | None = None) -> str:
        """`key` names the call: execution and step, the same whenever this step is run. `latency` is for it alone."""
        self._note("start", key)
        self._made += 1
        if self._made > self._quick:
            if self._dies:
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.Event().wait()
        if latency := self._latency if latency is None else latency:
            await asyncio.sleep(latency)
        self._note("end", key)
        return ANSWER

    def _note(self, what: str, key: str) -> None:
        os.write(self._log, f"{time.time():.6f} {what} {key}\n".encode())


class HttpStub:
    """The same, asked with the stock `openai` client."""

    def __init__(self, endpoint: str) -> None:
        import openai  # noqa: PLC0415 - slow to import, and most runs do without

        self._client = openai.AsyncOpenAI(api_key="stub", base_url=endpoint, max_retries=0)

    async def answer(self, key: str) -> str:
        stream = await self._client.chat.completions.create(
            model="stub-model",
            messages=[{"role": "user", "content": "Go on."}],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"Idempotency-Key": key},
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


def model() -> Stub | HttpStub:
    """What the environment asks for."""
    endpoint = os.environ.get("BENCH_ENDPOINT")
    return HttpStub(endpoint) if endpoint else Stub()
