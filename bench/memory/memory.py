"""The benchmarks of the memory suite for Python: resident memory only; each is run once per process."""

import asyncio
import gc
import pathlib
import resource
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

from serve import random_delays, serve  # noqa: E402

FAR = 3_600
AT_ONCE = 1_000


def resident():
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def held_per(line, count, body):
    before = resident()
    kept = await body(count)
    after = resident()
    del kept
    return {line: {"rss": (after - before) / count}}


async def nothing():
    pass


def ignore():
    pass


async def start_sleepers(count):
    tasks = [asyncio.create_task(asyncio.sleep(FAR)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def finish_tasks(count):
    for _ in range(count // AT_ONCE):
        tasks = [asyncio.create_task(nothing()) for _ in range(AT_ONCE)]
        for task in tasks:
            await task


async def cancel_timers(delays, handles, count):
    loop = asyncio.get_running_loop()
    for i in range(count):
        handles[i] = loop.call_later(delays[i], ignore)
    for i in range(count):
        handles[i].cancel()
    for i in range(count):
        handles[i] = None
    await asyncio.sleep(0)


async def per_sleeping_task(_seconds):
    return await held_per("per sleeping task", 100_000, start_sleepers)


async def per_finished_task(_seconds):
    await finish_tasks(50_000)
    return await held_per("per finished task", 1_000_000, finish_tasks)


async def per_cancelled_timer(_seconds):
    delays = random_delays(1_000_000)
    handles = [None] * len(delays)
    await cancel_timers(delays, handles, 10_000)
    return await held_per(
        "per cancelled timer", len(delays), lambda count: cancel_timers(delays, handles, count)
    )


if __name__ == "__main__":
    serve(
        {
            "per sleeping task": per_sleeping_task,
            "per finished task": per_finished_task,
            "per cancelled timer": per_cancelled_timer,
        }
    )
