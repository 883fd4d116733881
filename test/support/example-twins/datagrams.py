import asyncio


class Answering(asyncio.DatagramProtocol):
    answered = 0

    def connection_made(self, transport):
        self.transport = transport
        print("server: ready")

    def datagram_received(self, data, address):
        self.answered += 1
        print(f"server: asked '{data.decode()}' ({len(data)} bytes)")
        self.transport.sendto(f"{self.answered}: {data.decode()}".encode(), address)

    def connection_lost(self, error):
        print("server: gone,", "in order" if error is None else error)


class Asking(asyncio.DatagramProtocol):
    def __init__(self):
        self.answers = asyncio.Queue()
        self.errors = asyncio.Queue()

    def datagram_received(self, data, address):
        self.answers.put_nowait(data.decode())

    def error_received(self, error):
        refused = isinstance(error, ConnectionRefusedError)
        self.errors.put_nowait("nobody listens" if refused else str(error))


async def main():
    loop = asyncio.get_running_loop()
    server, answering = await loop.create_datagram_endpoint(Answering, local_addr=("127.0.0.1", 0))
    remote = server.get_extra_info("sockname")

    client, asking = await loop.create_datagram_endpoint(Asking, remote_addr=remote)
    for question in ("one", "two", "three"):
        client.sendto(question.encode())
        print(f"client: got '{await asyncio.wait_for(asking.answers.get(), 10)}'")

    other, listening = await loop.create_datagram_endpoint(Asking, family=2)
    other.sendto(b"four", remote)
    print(f"other: got '{await asyncio.wait_for(listening.answers.get(), 10)}'")
    try:
        client.sendto(b"x", ("127.0.0.1", 9))
    except ValueError:
        print("client: has one peer only")

    server.close()
    print("server: closing")
    while not asking.errors.qsize():
        client.sendto(b"is anybody there?")
        await asyncio.sleep(0.01)
    print(f"client: {await asking.errors.get()}")

    client.close()
    other.abort()
    print(f"{answering.answered} answers")


asyncio.run(main())
