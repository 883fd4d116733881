import asyncio


def js(value):
    return str(value).lower()


async def work():
    print("work: starts")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        print(f'work: cancelled, "{error}"')
        raise
    finally:
        await asyncio.sleep(0)
        print("work: cleaned up")


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)

    print(f"main: asks, {js(task.cancel('enough'))}")
    print(f"main: cancelled yet: {js(task.cancelled())}")
    try:
        await task
    except asyncio.CancelledError:
        print(f"main: cancelled now: {js(task.cancelled())}")
    print(f"main: asks again, {js(task.cancel())}")

    unborn = asyncio.create_task(work())
    unborn.cancel()
    await asyncio.sleep(0)
    print(f"main: cancelled before its first step: {js(unborn.cancelled())}")


asyncio.run(main())
