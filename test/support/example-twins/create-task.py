import asyncio


async def speak(delay, word):
    await asyncio.sleep(delay)
    print(word)
    return len(word)


async def timed(title, body):
    loop = asyncio.get_running_loop()
    start = loop.time()
    await body()
    print(f"{title}: {loop.time() - start:.1f} s")


async def one_after_the_other():
    await speak(0.2, "slow")
    await speak(0.1, "quick")


async def side_by_side():
    slow = asyncio.create_task(speak(0.2, "slow"))
    quick = asyncio.create_task(speak(0.1, "quick"), name="the quick one")
    print(f"started: {quick.get_name()}")
    await slow
    await quick


async def main():
    await timed("one after the other", one_after_the_other)
    await timed("side by side", side_by_side)
    future = asyncio.ensure_future(speak(0.1, "ensured"))
    print(f"a task: {isinstance(future, asyncio.Task)}".lower())
    print(f"the same again: {asyncio.ensure_future(future) is future}".lower())
    print(f"result: {await future}")


asyncio.run(main())
