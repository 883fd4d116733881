import asyncio


def js(value):
    return str(value).lower()


async def main():
    answer = asyncio.get_running_loop().create_future()

    async def work():
        print("task: waits")
        number = await answer
        print(f"task: goes on with {number}")
        return number * 2

    task = asyncio.create_task(work())
    for turn in range(1, 4):
        await asyncio.sleep(0)
        print(f"main: turn {turn}, task done: {js(task.done())}")

    answer.set_result(21)
    print(f"main: the result is set, task done: {js(task.done())}")
    print(f"main: the task returned {await task}")


asyncio.run(main())
