import asyncio


async def main():
    greeting = asyncio.get_running_loop().create_future()

    async def set_later():
        await asyncio.sleep(1)
        greeting.set_result("... world")

    task = asyncio.create_task(set_later())
    print("hello ...")
    print(await greeting)
    await task
    print(f"future done: {greeting.done()}, task done: {task.done()}".lower())


asyncio.run(main())
