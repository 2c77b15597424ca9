"""What outputs and inputs of storage take and give, through a serving host."""

from __future__ import annotations

import base64

import pytest

from tests.devhost.conftest import MakeApp, Serve
from tests.devhost.storage.accounts import Storage

APP = """
import io, json
app = func.FunctionApp()
VALUES = {
    'text': 'plain', 'bytes': b'\\xff\\x00', 'list': ['a', 'b'], 'array': '["a", {"b": 1}]', 'object': '{"b": 1}',
    'message': func.QueueMessage(body=b'wrapped'), 'messages': [func.QueueMessage(body='x'), 'y'], 'none': None,
    'number': 3, 'lists': [b'no'],
}

@app.route('send/{value}')
@app.queue_output('out', '%PREFIX%-{value}', '')
def send(req: func.HttpRequest, out: func.Out[str]):
    out.set(VALUES[req.route_params['value']])
    return ''

@app.route('returned/{value}', binding_arg_name='answer')
@app.queue_output('$return', '%PREFIX%-{value}', '')
def returned(req: func.HttpRequest, answer: func.Out[str]):
    if 'say' in req.params:
        answer.set(func.HttpResponse('said', status_code=201))
    return VALUES[req.route_params['value']]

@app.route('write/{value}')
@app.blob_output('out', '%PREFIX%/{value}', '')
def write(req: func.HttpRequest, out: func.Out[bytes]):
    out.set(VALUES[req.route_params['value']] if req.route_params['value'] != 'file' else io.BytesIO(b'a file'))
    return ''

@app.route('read')
@app.blob_input('text', '%PREFIX%/text', '')
@app.blob_input('binary', '%PREFIX%/binary', '', data_type='BINARY')
@app.blob_input('stream', '%PREFIX%/binary', '')
@app.blob_input('missing', '%PREFIX%/missing', '')
def read(req: func.HttpRequest, text: str, binary: bytes, stream: func.InputStream, missing: str):
    return repr([text, binary, stream.read(), missing])
"""


def decoded(storage: Storage, name: str) -> list[bytes]:
    return [base64.b64decode(message.content) for message in storage.take(name)]


MESSAGES = {
    "text": [b"plain"],
    "bytes": [b"\xff\x00"],
    "list": [b"a", b"b"],
    "array": [b"a", b'{"b": 1}'],
    "object": [b'{"b": 1}'],
    "message": [b"wrapped"],
    "messages": [b"x", b"y"],
}


async def test_what_a_queue_output_takes(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    async with serve(make_app(APP)) as client:
        statuses = {value: (await client.get(f"/api/send/{value}")).status_code for value in MESSAGES}
    assert statuses == dict.fromkeys(MESSAGES, 200)
    assert {value: decoded(storage, value) for value in MESSAGES} == MESSAGES


async def test_what_a_queue_output_does_not_take(
    serve: Serve, storage: Storage, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(make_app(APP)) as client:
        statuses = {
            value: (await client.get(f"/api/send/{value}")).status_code for value in ("none", "number", "lists")
        }
        nothing_returned = await client.get("/api/returned/none")
        bad_name = await client.get("/api/returned/text_")
    assert statuses == {"none": 200, "number": 500, "lists": 500}
    assert nothing_returned.status_code == 500  # as on Azure: only a parameter can be left unset
    assert bad_name.status_code == 500
    assert "a queue binding cannot write a value of type int" in caplog.text
    assert storage.count("none") == 0


async def test_a_queue_output_as_return_value(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    async with serve(make_app(APP)) as client:
        silent, said = await client.get("/api/returned/text"), await client.get("/api/returned/text?say=it")
    assert (silent.status_code, silent.content) == (200, b"")
    assert (said.status_code, said.text) == (201, "said")
    assert decoded(storage, "text") == [b"plain", b"plain"]


async def test_blobs(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    storage.write("text", "grün".encode())
    storage.write("binary", b"\xff\x00")
    async with serve(make_app(APP)) as client:
        read = await client.get("/api/read")
        wrote = [(await client.get(f"/api/write/{value}")).status_code for value in ("text", "bytes", "file", "number")]
    assert read.text == repr(["grün", b"\xff\x00", b"\xff\x00", None])
    assert wrote == [200, 200, 200, 500]
    assert [storage.blob(name) for name in ("text", "bytes", "file")] == [b"plain", b"\xff\x00", b"a file"]
