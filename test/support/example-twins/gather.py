import asyncio


async def arrive(name, delay):
    await asyncio.sleep(delay)
    print(f"{name} arrives")
    return name


async def fail(delay):
    await asyncio.sleep(delay)
    raise ValueError("no such thing")


async def main():
    loop = asyncio.get_running_loop()

    future = loop.create_future()
    loop.call_later(0.05, future.set_result, "future")
    task = asyncio.create_task(arrive("task", 0.1))
    results = await asyncio.gather(
        arrive("coroutine", 0.2), task, future, arrive("function", 0.15)
    )
    print(f"results: {', '.join(results)}")

    mixed = await asyncio.gather(arrive("first", 0), fail(0), return_exceptions=True)
    print(f"with errors: {', '.join(map(str, mixed))}")

    survivor = asyncio.create_task(arrive("survivor", 0.05))
    try:
        await asyncio.gather(survivor, fail(0))
    except ValueError as error:
        print(f"error: {error}")
    await survivor

    children = [
        asyncio.create_task(arrive("never", 3600)),
        asyncio.create_task(arrive("nor this", 3600)),
    ]
    both = asyncio.gather(*children)
    await asyncio.sleep(0)
    both.cancel()
    try:
        await both
    except asyncio.CancelledError:
        states = [str(child.cancelled()).lower() for child in children]
        print(f"cancelled: {', '.join(states)}")


asyncio.run(main())
