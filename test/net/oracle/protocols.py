# What TCP transports tell their protocols, in order. The twin is ../protocols.test.ts.
import asyncio
import socket
import struct

from recorders import Buffered, Plain, fail, settle
from traces import print_traces

MIB = 1 << 20


class Peer:
    """The other end: a plain socket."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data)

    def end(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the connection was aborted

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    async def read_all_of(self, total):
        loop = asyncio.get_running_loop()
        self.sock.setblocking(False)
        while total > 0:
            total -= len(await loop.sock_recv(self.sock, total))

    async def read_all(self):
        loop = asyncio.get_running_loop()
        self.sock.setblocking(False)
        total = b""
        while chunk := await loop.sock_recv(self.sock, MIB):
            total += chunk
        return total


class Connections:
    """A server of `make` protocols, and peers that connect to it."""

    def __init__(self, make):
        self.made = asyncio.Queue()
        self.make = make
        self.peers = []

    async def __aenter__(self):
        def factory():
            protocol = self.make()
            self.made.put_nowait(protocol)
            return protocol
        self.server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
        return self

    async def connect(self):
        sock = socket.create_connection(self.server.sockets[0].getsockname())
        peer = Peer(sock)
        self.peers.append(peer)
        return await self.made.get(), peer

    async def __aexit__(self, *_):
        self.server.close()
        for peer in self.peers:
            peer.sock.close()


async def with_one(trace, kind, scenario, **on):
    async with Connections(lambda: kind(trace, **on)) as connections:
        protocol, peer = await connections.connect()
        await settle()
        await scenario(protocol, peer)
        await protocol.lost
        await settle()


async def send_and_end(protocol, peer):
    peer.send(b"abc")
    await settle()
    peer.end()


async def life(trace):
    await with_one(trace, Plain, send_and_end)


async def eof_keeps_open(trace):
    async def scenario(protocol, peer):
        peer.end()
        await settle()
        trace.append(f"closing {protocol.transport.is_closing()} reading {protocol.transport.is_reading()}")
        protocol.transport.write(b"late")
        protocol.transport.close()
        trace.append("peer " + (await peer.read_all()).decode())
    await with_one(trace, Plain, scenario, eof=lambda p: True)


async def data_raises(trace):
    await with_one(trace, Plain, send_and_end, data=fail("boom"))


async def eof_raises(trace):
    await with_one(trace, Plain, send_and_end, eof=fail("boom"))


async def made_raises(trace):
    await with_one(trace, Plain, send_and_end, made=fail("boom"))


async def lost_raises(trace):
    await with_one(trace, Plain, send_and_end, lost=fail("boom"))


async def paused_when_made(trace):
    def pause(protocol):
        protocol.transport.pause_reading()
        protocol.transport.pause_reading()

    async def scenario(protocol, peer):
        peer.send(b"abc")
        await settle()
        trace.append(f"reading {protocol.transport.is_reading()}")
        protocol.transport.resume_reading()
        protocol.transport.resume_reading()
        trace.append(f"reading {protocol.transport.is_reading()}")
        await settle()
        peer.end()
    await with_one(trace, Plain, scenario, made=pause)


async def paused_by_data(trace):
    async def scenario(protocol, peer):
        peer.send(b"abc")
        await settle()
        peer.send(b"def")
        peer.end()
        await settle()
        trace.append("resume reading")
        protocol.transport.resume_reading()
        await settle()
        protocol.transport.resume_reading()
    await with_one(trace, Plain, scenario, data=lambda p, _: p.transport.pause_reading())


async def closed_while_paused(trace):
    async def scenario(protocol, peer):
        peer.send(b"abc")
        await settle()
        protocol.transport.close()
        protocol.transport.resume_reading()
        trace.append(f"reading {protocol.transport.is_reading()}")
    await with_one(trace, Plain, scenario, made=lambda p: p.transport.pause_reading())


async def writes_and_closes_when_made(trace):
    def made(protocol):
        protocol.transport.write(b"hello ")
        protocol.transport.writelines([b"wor", b"ld"])
        protocol.transport.close()
        protocol.transport.close()
        trace.append(f"closing {protocol.transport.is_closing()}")

    async def scenario(protocol, peer):
        trace.append("peer " + (await peer.read_all()).decode())
    await with_one(trace, Plain, scenario, made=made)


async def closes_at_data(trace):
    def data(protocol, _):
        protocol.transport.close()
        protocol.transport.write(b"too late")

    async def scenario(protocol, peer):
        peer.send(b"abc")
        trace.append("peer " + (await peer.read_all()).decode())
    await with_one(trace, Plain, scenario, data=data)


async def aborts_at_data(trace):
    await with_one(trace, Plain, send_and_end, data=lambda p, _: p.transport.abort())


async def writes_after_eof(trace):
    async def scenario(protocol, peer):
        transport = protocol.transport
        trace.append(str(transport.can_write_eof()))
        transport.write(b"abc")
        transport.write_eof()
        transport.write_eof()
        try:
            transport.write(b"x")
        except RuntimeError:
            trace.append("RuntimeError")
        trace.append("peer " + (await peer.read_all()).decode())
        peer.send(b"answer")
        await settle()
        peer.end()
    await with_one(trace, Plain, scenario)


async def reset_by_peer(trace):
    async def scenario(protocol, peer):
        peer.reset()
    await with_one(trace, Plain, scenario)


async def reset_of_a_buffered(trace):
    async def scenario(protocol, peer):
        peer.reset()
    await with_one(trace, Buffered, scenario)


async def buffered_life(trace):
    async def scenario(protocol, peer):
        peer.send(b"abcdefghij")
        await settle()
        peer.end()
    await with_one(trace, Buffered, scenario)


async def buffered_closes(trace):
    async def scenario(protocol, peer):
        peer.send(b"abcdefghij")
    await with_one(trace, Buffered, scenario, updated=lambda p: p.transport.close())


async def buffered_pauses(trace):
    async def scenario(protocol, peer):
        peer.send(b"abcdef")
        await settle()
        trace.append("resume reading")
        protocol.transport.resume_reading()
        await settle()
        protocol.transport.resume_reading()
        peer.end()
    await with_one(trace, Buffered, scenario, updated=lambda p: p.transport.pause_reading())


async def empty_buffer(trace):
    def shrink(protocol):
        protocol.buffer = b""
    await with_one(trace, Buffered, send_and_end, buffer=shrink)


async def buffer_raises(trace):
    await with_one(trace, Buffered, send_and_end, buffer=fail("boom"))


async def updated_raises(trace):
    await with_one(trace, Buffered, send_and_end, updated=fail("boom"))


async def switches_of_protocol(trace):
    async def scenario(first, peer):
        transport = first.transport
        second, third = Buffered(trace), Plain(trace)
        second.transport = third.transport = transport
        peer.send(b"one")
        await settle()
        transport.set_protocol(second)
        trace.append(str(transport.get_protocol() is second))
        peer.send(b"two")
        await settle()
        transport.set_protocol(third)
        peer.send(b"six")
        await settle()
        peer.end()
        await third.lost
        first.lost.set_result(None)
    await with_one(trace, Plain, scenario)


async def switches_inside_data(trace):
    second = None

    def data(protocol, _):
        nonlocal second
        second = Buffered(trace)
        protocol.transport.set_protocol(second)

    async def scenario(first, peer):
        peer.send(b"one")
        await settle()
        peer.send(b"two")
        await settle()
        peer.end()
        await second.lost
        first.lost.set_result(None)
    await with_one(trace, Plain, scenario, data=data)


async def a_slow_reader(trace):
    async def scenario(protocol, peer):
        transport = protocol.transport
        transport.write(b"x" * (16 * MIB))
        trace.append(f"buffered {transport.get_write_buffer_size() > 0}")
        transport.close()
        trace.append(f"read {len(await peer.read_all())}")
    await with_one(trace, Plain, scenario)


async def resumed_writer_goes_on(trace):
    def resume(protocol):
        protocol.transport.write(b"more")
        asyncio.get_running_loop().call_soon(protocol.transport.close)

    async def scenario(protocol, peer):
        protocol.transport.write(b"x" * (16 * MIB))
        trace.append(f"read {len(await peer.read_all())}")
    await with_one(trace, Plain, scenario, resume=resume)


async def pause_raises(trace):
    async def scenario(protocol, peer):
        protocol.transport.write(b"x" * (16 * MIB))
        protocol.transport.close()
        trace.append(f"read {len(await peer.read_all())}")
    await with_one(trace, Plain, scenario, pause=fail("boom"))


async def abort_drops_the_buffer(trace):
    async def scenario(protocol, peer):
        protocol.transport.write(b"x" * (16 * MIB))
        protocol.transport.abort()
        trace.append(f"closing {protocol.transport.is_closing()}")
        trace.append(f"buffered {protocol.transport.get_write_buffer_size()}")
    await with_one(trace, Plain, scenario)


async def no_water(trace):
    async def scenario(protocol, peer):
        transport = protocol.transport
        transport.set_write_buffer_limits(high=0)
        transport.write(b"small")
        trace.append(str(list(transport.get_write_buffer_limits())))
        transport.write(b"x" * (16 * MIB))
        transport.close()
        trace.append(f"read {len(await peer.read_all())}")
    await with_one(trace, Plain, scenario)


async def limits(trace):
    async def scenario(protocol, peer):
        transport = protocol.transport
        for given in ({}, {"high": 100}, {"low": 10}, {"high": 50, "low": 50}):
            transport.set_write_buffer_limits(**given)
            trace.append(str(list(transport.get_write_buffer_limits())))
        try:
            transport.set_write_buffer_limits(high=1, low=2)
        except ValueError:
            trace.append("ValueError")
        transport.close()
    await with_one(trace, Plain, scenario)


async def limits_of_a_full_buffer(trace):
    async def scenario(protocol, peer):
        transport = protocol.transport
        transport.write(b"x" * (16 * MIB))
        transport.set_write_buffer_limits(high=64 * MIB, low=32 * MIB)
        trace.append("raised")
        await peer.read_all_of(16 * MIB)
        await settle()
        transport.write(b"x" * (16 * MIB))
        transport.set_write_buffer_limits(high=1)
        trace.append("lowered")
        transport.close()
        await peer.read_all()
    await with_one(trace, Plain, scenario)


async def two_in_one_poll(trace):
    loop = asyncio.get_running_loop()

    def data(protocol, what):
        loop.call_soon(trace.append, "soon " + what.decode())

    async with Connections(lambda: Plain(trace, data=data)) as connections:
        one, peer_of_one = await connections.connect()
        two, peer_of_two = await connections.connect()
        await settle()
        peer_of_one.send(b"1")
        peer_of_two.send(b"2")
        await settle()
        one.transport.close()
        two.transport.close()
        await one.lost
        await two.lost


async def behind_what_is_ready(trace):
    loop = asyncio.get_running_loop()
    async with Connections(lambda: Plain(trace)) as connections:
        protocol, peer = await connections.connect()
        await settle()
        peer.send(b"abc")
        loop.call_soon(loop.call_soon, trace.append, "ready before")
        await settle()
        protocol.transport.close()
        await protocol.lost


async def a_client(trace):
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    transport, protocol = await loop.create_connection(
        lambda: Plain(trace), *listener.getsockname())
    trace.append("connected")
    trace.append(str(transport.get_protocol() is protocol))
    trace.append(str(transport.get_extra_info("peername") == listener.getsockname()))
    trace.append(str(transport.get_extra_info("socket").fileno() > 2))
    peer = Peer(listener.accept()[0])
    peer.send(b"abc")
    await settle()
    peer.end()
    await protocol.lost
    trace.append(str(transport.get_extra_info("peername") == listener.getsockname()))
    trace.append(str(transport.get_extra_info("unknown", "fallback")))
    peer.sock.close()
    listener.close()


SCENARIOS = [life, eof_keeps_open, data_raises, eof_raises, made_raises, lost_raises,
             paused_when_made, paused_by_data, closed_while_paused, writes_and_closes_when_made,
             closes_at_data, aborts_at_data, writes_after_eof, reset_by_peer, reset_of_a_buffered,
             buffered_life, buffered_closes, buffered_pauses, empty_buffer, buffer_raises,
             updated_raises, switches_of_protocol, switches_inside_data, a_slow_reader,
             resumed_writer_goes_on, pause_raises, abort_drops_the_buffer, no_water, limits,
             limits_of_a_full_buffer, two_in_one_poll, behind_what_is_ready, a_client]


async def play(scenario, trace):
    def report(_loop, context):
        what = context["message"]
        trace.append("report " + ("callback" if what.startswith("Exception in callback") else what)
                     + ": " + type(context["exception"]).__name__)
    asyncio.get_running_loop().set_exception_handler(report)
    await scenario(trace)


print_traces(SCENARIOS, play)
