# Who waits for a stream, and in which order they go on. The twin is ../drains.test.ts.
import asyncio
import socket
import struct

from recorders import settle
from traces import print_traces

MUCH = b"x" * (16 << 20)


async def read_all(sock):
    sock.setblocking(False)
    while await asyncio.get_running_loop().sock_recv(sock, 1 << 20):
        pass


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def ends(trace, name, waits):
    """Notes how `waits` ends."""
    try:
        await waits
        trace.append(name)
    except asyncio.CancelledError:
        trace.append(name + " cancelled")
    except ConnectionResetError:
        trace.append(name + " ConnectionResetError")


def tasks(trace, **waits):
    return [asyncio.create_task(ends(trace, name, one)) for name, one in waits.items()]


async def flushed(trace, reader, writer, peer):
    waiting = tasks(trace, closed=writer.wait_closed(), drain=writer.drain(),
                    closed_too=writer.wait_closed(), drain_too=writer.drain())
    await asyncio.sleep(0)
    writer.close()
    waiting += tasks(trace, late=writer.drain())
    await settle()
    await read_all(peer)
    await asyncio.wait(waiting)


async def aborted(trace, reader, writer, peer):
    waiting = tasks(trace, drain=writer.drain(), closed=writer.wait_closed(),
                    drain_too=writer.drain(), read=reader.read(1))
    await asyncio.sleep(0)
    writer.transport.abort()
    waiting += tasks(trace, late=writer.drain())
    await asyncio.wait(waiting)
    await ends(trace, "drain after it", writer.drain())
    await ends(trace, "closed after it", writer.wait_closed())


async def was_reset(trace, reader, writer, peer):
    waiting = tasks(trace, drain=writer.drain(), closed=writer.wait_closed(),
                    drain_too=writer.drain(), read=reader.read(1))
    await settle()
    reset(peer)
    await asyncio.wait(waiting)
    await ends(trace, "drain after it", writer.drain())
    await ends(trace, "closed after it", writer.wait_closed())


async def paused_again(trace, reader, writer, peer):
    async def write_more():
        await writer.drain()
        writer.write(MUCH)
        await writer.drain()
        trace.append("written")

    async def follow():
        await writer.drain()
        trace.append(f"goes on, buffered {writer.transport.get_write_buffer_size() > 0}")
    waiting = [asyncio.create_task(write_more()), asyncio.create_task(follow())]
    reading = asyncio.create_task(read_all(peer))
    await asyncio.wait(waiting)
    writer.close()
    await reading


async def cancelled(trace, reader, writer, peer):
    waiting = tasks(trace, one=writer.drain(), two=writer.drain(), three=writer.drain())
    await asyncio.sleep(0)
    waiting[1].cancel()
    reading = asyncio.create_task(read_all(peer))
    await asyncio.wait(waiting)
    writer.close()
    await reading


SCENARIOS = [flushed, aborted, was_reset, paused_again, cancelled]


async def play(scenario, trace):
    listener = socket.create_server(("127.0.0.1", 0))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    peer, _ = listener.accept()
    writer.write(MUCH)
    await scenario(trace, reader, writer, peer)
    peer.close()
    listener.close()


def played(scenario):
    async def run(trace):
        await play(scenario, trace)
    run.__name__ = scenario.__name__
    return run


print_traces([played(scenario) for scenario in SCENARIOS])
