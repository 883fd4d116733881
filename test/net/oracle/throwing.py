# What becomes of a connection whose protocol throws, over whatever carries it. The twin is
# ../throwing.test.ts.
import asyncio
import os
import ssl
import tempfile

from recorders import Buffered, Plain, fail, settle
from traces import print_traces

CERTIFICATES = os.path.join(os.path.dirname(__file__), "../../support/certificates")
MUCH = b"x" * (8 << 20)


def certificate(name):
    return os.path.join(CERTIFICATES, name + ".pem")


def server_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate("server"), certificate("server-key"))
    return context


def client_tls():
    return ssl.create_default_context(cafile=certificate("authority"))


class Tcp:
    server_options = {}
    client_options = {}

    async def serve(self, start):
        server = await start(host="127.0.0.1", port=0, **self.server_options)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def connect(self, connect):
        return connect(host="127.0.0.1", port=self.port, **self.client_options)

    def starters(self):
        loop = asyncio.get_running_loop()
        return loop.create_server, loop.create_connection, asyncio.start_server, asyncio.open_connection


class Tls(Tcp):
    @property
    def server_options(self):
        return {"ssl": server_tls()}

    @property
    def client_options(self):
        return {"ssl": client_tls(), "server_hostname": "localhost"}


class Unix(Tcp):
    async def serve(self, start):
        self.path = os.path.join(tempfile.mkdtemp(), "socket")
        return await start(path=self.path)

    def connect(self, connect):
        return connect(path=self.path)

    def starters(self):
        loop = asyncio.get_running_loop()
        return (loop.create_unix_server, loop.create_unix_connection,
                asyncio.start_unix_server, asyncio.open_unix_connection)


def with_arguments(function, argument):
    return lambda **options: function(argument, **options)


async def as_server(carrier, make, scenario):
    """Runs `scenario` with a protocol of a server and the streams of its client."""
    create_server, _, _, open_connection = carrier.starters()
    made = asyncio.get_running_loop().create_future()

    def factory():
        made.set_result(make())
        return made.result()
    server = await carrier.serve(with_arguments(create_server, factory))
    reader, writer = await carrier.connect(open_connection)
    await scenario(await made, reader, writer)
    writer.transport.abort()
    server.close()


async def as_client(carrier, make, scenario):
    """Runs `scenario` with a protocol of a client and the streams of its server."""
    _, create_connection, start_server, _ = carrier.starters()
    accepted = asyncio.get_running_loop().create_future()

    async def handler(*streams):
        accepted.set_result(streams)
    server = await carrier.serve(with_arguments(start_server, handler))
    protocol = make()
    try:
        await carrier.connect(with_arguments(create_connection, lambda: protocol))
    except Exception as error:
        protocol.trace.append(f"connect {error}")
    else:
        reader, writer = await accepted
        await scenario(protocol, reader, writer)
        writer.transport.abort()
    server.close()


async def end_of(protocol, writer):
    writer.close()
    await protocol.lost
    await settle()


async def send_and_end(protocol, reader, writer):
    await settle()
    protocol.trace.append("sent")
    writer.write(b"abc")
    await settle()
    await end_of(protocol, writer)


async def read_much(protocol, reader, writer):
    await settle()
    # TLS gives all of the first part to the socket, whatever its size.
    for _ in range(2):
        protocol.transport.write(MUCH)
    await reader.readexactly(2 * len(MUCH))
    await settle()
    await end_of(protocol, writer)


class Asked(Buffered):
    """TLS asks for a buffer before there is anything to read, too: that is not noted."""

    def get_buffer(self, sizehint):
        return super().get_buffer(sizehint) if "sent" in self.trace else bytearray(self.size)


METHODS = {
    "made": (Plain, send_and_end),
    "data": (Plain, send_and_end),
    "eof": (Plain, send_and_end),
    "lost": (Plain, send_and_end),
    "buffer": (Asked, send_and_end),
    "updated": (Asked, send_and_end),
    "pause": (Plain, read_much),
    "resume": (Plain, read_much),
}


def stream_scenario(name, carrier, role, method):
    kind, scenario = METHODS[method]

    async def play(trace):
        await role(carrier(), lambda: kind(trace, **{method: fail("boom")}), scenario)
    play.__name__ = name
    return play


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, trace, method):
        self.trace = trace
        self.method = method

    def told(self, what):
        self.trace.append(what)
        if what.startswith(self.method):
            raise Exception("boom")

    def connection_made(self, transport):
        self.told("made")

    def datagram_received(self, data, address):
        self.told("datagram " + data.decode())

    def error_received(self, error):
        self.told("error " + type(error).__name__)

    def connection_lost(self, error):
        self.told("lost")


def datagram_scenario(name, method):
    async def play(trace):
        loop = asyncio.get_running_loop()

        def open(**options):
            return loop.create_datagram_endpoint(lambda: Datagrams(trace, method), **options)
        quiet, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        address = quiet.get_extra_info("sockname")
        transport, _ = await open(remote_addr=address)
        for data in (b"one", b"two"):
            quiet.sendto(data, transport.get_extra_info("sockname"))
            await settle()
        quiet.close()
        await settle()
        # Nobody is there any more, which the system tells.
        transport.sendto(b"three")
        await settle()
        trace.append(f"closing {transport.is_closing()}")
        transport.close()
        await settle()
    play.__name__ = name
    return play


async def play(scenario, trace):
    def report(loop, context):
        message = context["message"]
        what = message
        # TLS has words of its own.
        if message.startswith(("Fatal error", "Error calling eof_received()")):
            what = "fatal"
        elif message.startswith("Exception in callback"):
            what = "callback"
        # What calls a protocol from the ready queue is no Handle in aionode (docs/differences.md).
        keys = sorted(context.keys() - {"handle"})
        trace.append(f"report {what}: {context['exception']}, {', '.join(keys)}")
    asyncio.get_running_loop().set_exception_handler(report)
    await scenario(trace)


CARRIERS = {"tcp": Tcp, "unix": Unix, "tls": Tls}
ROLES = {"server": as_server, "client": as_client}

print_traces([
    stream_scenario(f"{method}_of_a_{carrier}_{role}", CARRIERS[carrier], ROLES[role], method)
    for carrier in CARRIERS for role in ROLES for method in METHODS
] + [
    datagram_scenario(f"{method}_of_datagrams", method)
    # What datagram_received() throws is reported in other words (docs/differences.md).
    for method in ("made", "error", "lost")
], play)
