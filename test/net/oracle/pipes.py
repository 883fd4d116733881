# What pipe transports tell their protocols, in order. The twin is ../pipes.test.ts.
import asyncio
import os

from traces import print_traces


class Recorder(asyncio.Protocol):
    def __init__(self, trace):
        self.trace = trace
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.trace.append("made")

    def data_received(self, data):
        self.trace.append("data " + data.decode())

    def eof_received(self):
        self.trace.append("eof")
        asyncio.get_running_loop().call_soon(self.trace.append, "after eof")
        return True

    def pause_writing(self):
        self.trace.append("pause")

    def resume_writing(self):
        self.trace.append("resume")

    def connection_lost(self, exc):
        self.trace.append("lost" + ("" if exc is None else " " + type(exc).__name__))
        self.lost.set_result(None)


async def reader_of(trace):
    read_end, write_end = os.pipe()
    _, protocol = await asyncio.get_running_loop().connect_read_pipe(
        lambda: Recorder(trace), os.fdopen(read_end, "rb", 0))
    trace.append("connected")
    return protocol, write_end


async def writer_of(trace):
    read_end, write_end = os.pipe()
    _, protocol = await asyncio.get_running_loop().connect_write_pipe(
        lambda: Recorder(trace), os.fdopen(write_end, "wb", 0))
    trace.append("connected")
    return protocol, read_end


async def read_to_the_end(trace):
    protocol, write_end = await reader_of(trace)
    os.write(write_end, b"abc")
    os.close(write_end)
    await protocol.lost
    trace.append(str(protocol.transport.is_closing()))


async def end_at_once(trace):
    protocol, write_end = await reader_of(trace)
    os.close(write_end)
    await protocol.lost


async def close_while_paused(trace):
    protocol, write_end = await reader_of(trace)
    protocol.transport.pause_reading()
    trace.append(str(protocol.transport.is_reading()))
    os.write(write_end, b"abc")
    protocol.transport.close()
    trace.append("closing " + str(protocol.transport.is_closing()))
    await protocol.lost
    os.close(write_end)


async def paused_from_the_start(trace):
    class Paused(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    read_end, write_end = os.pipe()
    os.write(write_end, b"abc")
    _, protocol = await asyncio.get_running_loop().connect_read_pipe(
        lambda: Paused(trace), os.fdopen(read_end, "rb", 0))
    for _ in range(5):
        await asyncio.sleep(0)
    trace.append("resume reading")
    protocol.transport.resume_reading()
    os.close(write_end)
    await protocol.lost


async def write_and_close(trace):
    protocol, read_end = await writer_of(trace)
    protocol.transport.write(b"abc")
    protocol.transport.close()
    trace.append("closing " + str(protocol.transport.is_closing()))
    await protocol.lost
    trace.append("read " + os.read(read_end, 10).decode())
    trace.append("then " + os.read(read_end, 10).decode())
    os.close(read_end)


async def end_of_writing(trace):
    protocol, read_end = await writer_of(trace)
    trace.append(str(protocol.transport.can_write_eof()))
    protocol.transport.write_eof()
    trace.append("closing " + str(protocol.transport.is_closing()))
    await protocol.lost
    os.close(read_end)


async def reader_goes_while_nothing_is_written(trace):
    protocol, read_end = await writer_of(trace)
    os.close(read_end)
    await protocol.lost


async def reader_goes_with_bytes_unsent(trace):
    protocol, read_end = await writer_of(trace)
    protocol.transport.write(b"x" * (1 << 22))
    os.close(read_end)
    await protocol.lost


async def emptied(protocol, read_end, trace):
    os.set_blocking(read_end, False)
    received = 0
    while True:
        await asyncio.sleep(0)
        try:
            count = len(os.read(read_end, 1 << 20))
        except BlockingIOError:
            continue
        if count == 0:
            break
        received += count
    trace.append("received " + str(received))
    await protocol.lost
    os.close(read_end)


async def a_full_pipe_is_emptied(trace):
    protocol, read_end = await writer_of(trace)
    protocol.transport.write(b"x" * (1 << 20))
    protocol.transport.close()
    await emptied(protocol, read_end, trace)


async def a_full_pipe_takes_nothing_after_its_end(trace):
    protocol, read_end = await writer_of(trace)
    protocol.transport.write(b"x" * (1 << 20))
    protocol.transport.write_eof()
    protocol.transport.write(b"after the end")
    protocol.transport.writelines([b"and", b"more"])
    await emptied(protocol, read_end, trace)


async def abort_drops(trace):
    protocol, read_end = await writer_of(trace)
    protocol.transport.write(b"x" * (1 << 20))
    protocol.transport.abort()
    trace.append("closing " + str(protocol.transport.is_closing()))
    await protocol.lost
    os.close(read_end)


SCENARIOS = [read_to_the_end, end_at_once, close_while_paused, paused_from_the_start, write_and_close,
             end_of_writing, reader_goes_while_nothing_is_written, reader_goes_with_bytes_unsent,
             a_full_pipe_is_emptied, a_full_pipe_takes_nothing_after_its_end, abort_drops]

print_traces(SCENARIOS)
