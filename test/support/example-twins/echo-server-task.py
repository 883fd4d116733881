import asyncio


async def answer(reader, writer):
    in_task = str(asyncio.current_task() is not None).lower()
    print(f"server: in a task of its own: {in_task}")
    message = await reader.read(100)
    print(f"server: received {message.decode()}")
    writer.write(message)
    await writer.drain()
    print("server: closes")
    writer.close()
    await writer.wait_closed()


async def talk(port, message):
    print(f"client: says {message}")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message.encode())
    await writer.drain()
    print(f"client: received {(await reader.read()).decode()}")
    writer.close()
    await writer.wait_closed()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await talk(port, "hello")
    await talk(port, "good-bye")
    server.close()
    await server.wait_closed()
    print(f"serving: {server.is_serving()}".lower())


asyncio.run(main())
