import asyncio

HOST = "127.0.0.1"


def port_of(server):
    return server.sockets[0].getsockname()[1]


def js(value):
    return str(value).lower()


async def to_the_end(port):
    reader, writer = await asyncio.open_connection(HOST, port)
    print(f"read(): {(await reader.read()).decode()}")
    print(f"at the end: {js(reader.at_eof())}, read() again: {len(await reader.read())} bytes")
    writer.close()
    await writer.wait_closed()


async def in_pieces(port):
    reader, writer = await asyncio.open_connection(HOST, port)
    while True:
        piece = await reader.read(4)
        print(f"read(4): {len(piece)} bytes {piece.decode()}".rstrip())
        if not piece:
            break
    writer.close()
    await writer.wait_closed()


async def upload(port):
    reader, writer = await asyncio.open_connection(HOST, port)
    block = b"x" * 65536
    for _ in range(64):
        writer.write(block)
        await writer.drain()
    writer.write_eof()
    print(f"the server counted {(await reader.read()).decode()} bytes")
    print(f"closing: {js(writer.is_closing())}")
    writer.close()
    print(f"closing: {js(writer.is_closing())}")
    await writer.wait_closed()


def send_alphabet(_, writer):
    writer.write(b"abcdefghij")
    writer.close()


async def count(reader, writer):
    total = 0
    while data := await reader.read(65536):
        total += len(data)
    writer.write(str(total).encode())
    writer.close()


async def main():
    alphabet = await asyncio.start_server(send_alphabet, HOST, 0)
    counter = await asyncio.start_server(count, HOST, 0)

    await to_the_end(port_of(alphabet))
    await in_pieces(port_of(alphabet))
    await upload(port_of(counter))

    for server in (alphabet, counter):
        server.close()
        await server.wait_closed()


asyncio.run(main())
