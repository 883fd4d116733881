# Protocols that note what they are told. The twin is ../../support/recorders.ts.
import asyncio


class Recorder(asyncio.BaseProtocol):
    """Notes what it is told; `on_NAME` functions of a scenario add what it does then."""

    def __init__(self, trace, **on):
        self.trace = trace
        self.on = on
        self.lost = asyncio.get_running_loop().create_future()

    def does(self, name, *args):
        action = self.on.get(name)
        return action(self, *args) if action else None

    def connection_made(self, transport):
        self.transport = transport
        self.trace.append("made")
        self.does("made")

    def eof_received(self):
        self.trace.append("eof")
        return self.does("eof")

    def pause_writing(self):
        self.trace.append("pause")
        self.does("pause")

    def resume_writing(self):
        self.trace.append("resume")
        self.does("resume")

    def connection_lost(self, exc):
        self.trace.append("lost" + ("" if exc is None else " " + type(exc).__name__))
        self.lost.set_result(None)
        self.does("lost")


class Plain(Recorder, asyncio.Protocol):
    def data_received(self, data):
        self.trace.append("data " + data.decode())
        self.does("data", data)


class Buffered(Recorder, asyncio.BufferedProtocol):
    size = 4

    def get_buffer(self, sizehint):
        self.trace.append("buffer")
        self.buffer = bytearray(self.size)
        self.does("buffer")
        return self.buffer

    def buffer_updated(self, nbytes):
        self.trace.append("updated " + bytes(self.buffer[:nbytes]).decode())
        self.does("updated")


async def settle():
    await asyncio.sleep(0.05)


def fail(what):
    def action(*_):
        raise Exception(what)
    return action
