"""WebSocket client and server of Debian's python3-websockets, with the same commands and events as ws-client.mjs and
ws-server.mjs: `python_peer.py server|client [--deflate]`."""

import asyncio
import base64
import json
import os
import ssl
import sys
import urllib.parse

import websockets

SOCKETS = {}
# Tasks are kept: the event loop holds only weak references to them.
TASKS = set()
COMPRESSION = "deflate" if "--deflate" in sys.argv else None
LIMIT = 4 << 20


def emit(event, **details):
    print(json.dumps({"event": event, **details}, separators=(",", ":")), flush=True)


def background(work):
    task = asyncio.ensure_future(work)
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)


def extensions(socket):
    return ", ".join(extension.name for extension in socket.extensions)


async def receive(id, socket):
    SOCKETS[id] = socket
    try:
        async for message in socket:
            if isinstance(message, bytes):
                emit("message", id=id, binary=base64.b64encode(message).decode())
            else:
                emit("message", id=id, text=message)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    emit("close", id=id, code=socket.close_code, reason=socket.close_reason)


async def send(id, text=None, binary=None, fragments=None):
    message = fragments or text
    await SOCKETS[id].send(base64.b64decode(binary) if message is None else message)


async def ping(id, data):
    pong = await SOCKETS[id].ping(data)

    async def answered():
        await pong
        emit("pong", id=id, data=data)

    background(answered())


async def close(id, code=1000, reason=""):
    background(SOCKETS[id].close(code, reason))


async def connect(id, url, protocols=None, deflate=False, headers=None):
    parts = urllib.parse.urlsplit(url)
    trust = ssl.create_default_context() if parts.scheme == "wss" else None
    try:
        # The tests' domains are known to no resolver: all are this machine.
        socket = await websockets.connect(
            url, host="127.0.0.1", port=parts.port, ssl=trust, server_hostname=parts.hostname if trust else None,
            subprotocols=protocols, compression=COMPRESSION, extra_headers=headers, max_size=LIMIT)
    except websockets.InvalidStatusCode as refused:
        emit("refused", id=id, status=refused.status_code, headers=dict(refused.headers))
        return
    emit("open", id=id, protocol=socket.subprotocol or "", extensions=extensions(socket))
    background(receive(id, socket))


async def serve():
    connections = iter(range(1 << 30))

    async def accept(socket):
        id = next(connections)
        emit("connection", id=id, path=socket.path, headers={name.lower(): value for name, value in socket.request_headers.raw_items()},
             protocol=socket.subprotocol or "", extensions=extensions(socket))
        await receive(id, socket)

    server = await websockets.serve(
        accept, "127.0.0.1", 0, max_size=LIMIT, compression=COMPRESSION, select_subprotocol=lambda client, server: client[-1], subprotocols=["any"])
    emit("listening", port=server.sockets[0].getsockname()[1])


async def main():
    commands = {"send": send, "ping": ping, "close": close, "connect": connect}
    if sys.argv[1] == "server":
        await serve()
    else:
        emit("started")
    reader = asyncio.StreamReader(limit=2 * LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        try:
            await commands[command.pop("do")](**command)
        except Exception as error:  # the test decides what an error means
            emit("error", id=command.get("id"), message=f"{type(error).__name__}: {error}")
    # The test is over: open sockets are not worth a closing handshake.
    os._exit(0)


asyncio.run(main())
