import asyncio


async def set_later(future, delay, value):
    await asyncio.sleep(delay)
    future.set_result(value)


async def main():
    loop = asyncio.get_running_loop()
    greeting = loop.create_future()
    task = loop.create_task(set_later(greeting, 1, "... world"))
    print("hello ...")
    print(await greeting)
    await task


asyncio.run(main())
