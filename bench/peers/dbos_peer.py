"""DBOS on SQLite. Argument: the state folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import sqlalchemy
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bench.peers.serving import PARTICIPANTS, TASK, VIEW, serve
from bench.stub import model

stub = model()


@DBOS.step()
async def agent(name: str, prompt: str, key: str) -> str:
    return await stub.answer(key)


@DBOS.workflow()
async def chain(size: int) -> list[str]:
    said = [TASK]
    for number in range(size):
        said.append(await agent(f"agent-{number}", said[-1], f"{DBOS.workflow_id}:{number}"))
    return said[1:]


@DBOS.workflow()
async def fan_out(size: int) -> list[str]:
    parts = [agent("agent-0", f"part {number} of {TASK}", f"{DBOS.workflow_id}:{number}") for number in range(size)]
    return list(await asyncio.gather(*parts))


@DBOS.workflow()
async def chat(size: int) -> list[str]:
    said: list[str] = []
    for turn in range(size):
        prompt = "\n\n".join([TASK, *said[-VIEW:]])
        said.append(await agent(f"agent-{turn % PARTICIPANTS}", prompt, f"{DBOS.workflow_id}:{turn}"))
    return said


WORKFLOWS = {"chain": chain, "fan_out": fan_out, "chat": chat}


class DbosPeer:
    def __init__(self, settings: str) -> None:
        self.settings = settings

    async def run(self, kind: str, size: int, id: str) -> int:
        with SetWorkflowID(id):
            handle = await DBOS.start_workflow_async(WORKFLOWS[kind], size)
        return len(await handle.get_result())

    async def resume(self, kind: str, size: int, id: str) -> int:
        # `launch` has already begun to recover it.
        handle = await DBOS.retrieve_workflow_async(id)
        return len(await handle.get_result())


async def main(state: Path) -> None:
    url = f"sqlite:///{state / 'dbos.db'}"
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "WARNING"}
    DBOS(config=config)
    DBOS.launch()
    with sqlalchemy.create_engine(url).connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    await serve(DbosPeer(f"journal {found[0]}, sync {found[1]}"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
