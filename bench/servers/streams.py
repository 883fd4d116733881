"""Streams, a task per client, on asyncio's loop or on uvloop's; without tasks: `protocol` is the echo by
a Protocol, `buffered` that by a BufferedProtocol.

streams.py asyncio|uvloop echo|lines|sink|protocol|buffered     prints its port, serves until it is killed
"""

import asyncio
import resource
import sys


async def echo(reader, writer):
    while True:
        data = await reader.read(262_144)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def lines(reader, writer):
    while True:
        line = await reader.readline()
        if not line:
            break
        writer.write(line)
        await writer.drain()
    writer.close()


async def sink(reader, writer):
    received = 0
    while True:
        data = await reader.read(65_536)
        if not data:
            break
        received += len(data)
    writer.write(str(received).encode())
    writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class BufferedEcho(asyncio.BufferedProtocol):
    def connection_made(self, transport):
        self.transport = transport
        self.memory = memoryview(bytearray(262_144))

    def get_buffer(self, sizehint):
        return self.memory

    def buffer_updated(self, count):
        self.transport.write(self.memory[:count])


PROTOCOLS = {"protocol": Echo, "buffered": BufferedEcho}


async def main(mode):
    place = ("127.0.0.1", 0)
    if mode in PROTOCOLS:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(PROTOCOLS[mode], *place, backlog=1024)
    else:
        handler = {"echo": echo, "lines": lines, "sink": sink}[mode]
        server = await asyncio.start_server(handler, *place, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def allow_many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_files()
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(sys.argv[2]))
