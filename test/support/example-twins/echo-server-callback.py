import asyncio

conversations = []


async def echo(reader, writer):
    while data := await reader.read(100):
        print(f"server: echoes {data.decode()}")
        writer.write(data)
        await writer.drain()
    print("server: the client has finished")
    writer.close()
    await writer.wait_closed()


def client_connected(reader, writer):
    print("server: a client")
    conversations.append(asyncio.create_task(echo(reader, writer)))


async def main():
    server = await asyncio.start_server(client_connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for word in ("one", "two", "three"):
        writer.write(word.encode())
        await writer.drain()
        print(f"client: got {(await reader.read(100)).decode()}")
    writer.close()
    await writer.wait_closed()

    await asyncio.gather(*conversations)
    server.close()
    await server.wait_closed()
    print("closed")


asyncio.run(main())
