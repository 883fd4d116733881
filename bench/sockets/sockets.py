"""The benchmarks of the sockets suite for Python, on asyncio's loop or on uvloop's."""

import asyncio
import functools
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "harness"))

from serve import rates, serve  # noqa: E402

MIB = 256
CLIENTS = 10
ROUND_TRIPS = 200
MESSAGE = b"x" * 1024
CHUNK = 256 * 1024
FOLDER = tempfile.TemporaryDirectory()
SOCKET = os.path.join(FOLDER.name, "echo")


async def pass_on(reader, writer):
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def echo(reader, writer):
    await pass_on(reader, writer)
    writer.close()


async def client():
    reader, writer = await asyncio.open_unix_connection(SOCKET)
    for _ in range(ROUND_TRIPS):
        writer.write(MESSAGE)
        await reader.readexactly(len(MESSAGE))
    writer.close()
    await writer.wait_closed()


async def unix_echo():
    server = await asyncio.start_unix_server(echo, SOCKET)
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    server.close()
    return CLIENTS * ROUND_TRIPS


class Load:
    """The other ends, a process of their own, see load.mjs."""

    def __init__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(["node", HERE / "load.mjs"], stdin=pipe, stdout=pipe)

    def send(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def line(self):
        return asyncio.to_thread(self.process.stdout.readline)


async def measured(load, server):
    load.send(server.sockets[0].getsockname()[1])
    await load.line()
    server.close()
    return MIB


@functools.cache
def load_process():
    return Load()


async def proxy():
    load = load_process()
    load.send(f"through {MIB}")
    target = int(await load.line())

    async def handle(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target, limit=CHUNK)
        await asyncio.gather(pass_on(reader, up_writer), pass_on(up_reader, writer))
        up_writer.close()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=CHUNK)
    return await measured(load, server)


async def file():
    load = load_process()
    load.send("fetch")
    path = os.path.join(FOLDER.name, "file")
    with open(path, "wb") as made:
        made.truncate(MIB << 20)

    async def handle(_, writer):
        with open(path, "rb") as source:
            await asyncio.get_running_loop().sendfile(writer.transport, source)
        writer.close()

    return await measured(load, await asyncio.start_server(handle, "127.0.0.1", 0))


BATCHES = {"unix echo": unix_echo, "proxy": proxy, "file": file}
if sys.argv[1] == "uvloop":
    # It has no sendfile().
    del BATCHES["file"]
serve(rates(BATCHES))
