import asyncio
import functools


async def main():
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(functools.partial(print, "Future:"))
    future.set_result("all done")
    print("the result is set")
    await asyncio.sleep(0)
    print("after")


asyncio.run(main())
