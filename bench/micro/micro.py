"""The benchmarks of the micro suite for Python, on asyncio's loop or on uvloop's.

aionode.mjs has the same for aionode, step by step, and says what an operation is.
"""

import asyncio
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

from serve import random_delays, rates, serve  # noqa: E402

TIMERS = 1_000_000


async def nothing():
    pass


def ignore():
    pass


async def sleeper(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def two_players(play, first, second, count):
    tasks = [
        asyncio.create_task(play(first, second, count)),
        asyncio.create_task(play(second, first, count)),
    ]
    for task in tasks:
        await task
    return 2 * count


async def contend(guard):
    async def contender():
        for _ in range(100):
            await guard.acquire()
            try:
                await asyncio.sleep(0)
            finally:
                guard.release()

    tasks = [asyncio.create_task(contender()) for _ in range(100)]
    for task in tasks:
        await task
    return 10_000


async def through_queue(maxsize, count):
    queue = asyncio.Queue(maxsize)

    async def produce():
        for i in range(count):
            await queue.put(i)

    async def consume():
        for _ in range(count):
            await queue.get()

    producer = asyncio.create_task(produce())
    consumer = asyncio.create_task(consume())
    await producer
    await consumer
    return count


async def sleep_one():
    await sleeper(20_000)
    return 20_000


async def sleep_many():
    tasks = [asyncio.create_task(sleeper(100)) for _ in range(1_000)]
    for task in tasks:
        await task
    return 100_000


async def call_soon_chain():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = 50_000

    def step():
        nonlocal left
        left -= 1
        if left == 0:
            done.set_result(None)
        else:
            loop.call_soon(step)

    loop.call_soon(step)
    await done
    return 50_000


async def create_and_await():
    for _ in range(100_000):
        await asyncio.create_task(nothing())
    return 100_000


async def create_then_await():
    tasks = [asyncio.create_task(nothing()) for _ in range(100_000)]
    for task in tasks:
        await task
    return 100_000


async def gather():
    ran = 0

    async def child():
        nonlocal ran
        ran += 1

    children = [child() for _ in range(10_000)]
    await asyncio.gather(*children)
    return ran


async def queue_of_one():
    return await through_queue(1, 20_000)


async def queue_unbounded():
    return await through_queue(0, 50_000)


async def play_future(own, other, count):
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await own.future
        own.future = loop.create_future()
        other.future.set_result(None)


async def futures():
    loop = asyncio.get_running_loop()
    first = SimpleNamespace(future=loop.create_future())
    second = SimpleNamespace(future=loop.create_future())
    first.future.set_result(None)
    return await two_players(play_future, first, second, 10_000)


async def lock():
    return await contend(asyncio.Lock())


async def semaphore():
    return await contend(asyncio.Semaphore(10))


async def play_event(own, other, count):
    for _ in range(count):
        await own.wait()
        own.clear()
        other.set()


async def events():
    first = asyncio.Event()
    first.set()
    return await two_players(play_event, first, asyncio.Event(), 10_000)


async def conditions():
    condition = asyncio.Condition()
    turn = 0

    async def play(own, other, count):
        nonlocal turn
        for _ in range(count):
            await condition.acquire()
            try:
                await condition.wait_for(lambda: turn == own)
                turn = other
                condition.notify()
            finally:
                condition.release()

    return await two_players(play, 0, 1, 5_000)


async def await_done():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    for _ in range(100_000):
        await future
    return 100_000


def settle(future):
    future.set_result(None)


async def await_pending():
    loop = asyncio.get_running_loop()
    for _ in range(50_000):
        future = loop.create_future()
        loop.call_soon(settle, future)
        await future
    return 50_000


async def await_call():
    for _ in range(100_000):
        await nothing()
    return 100_000


POOL = ThreadPoolExecutor(1)


async def thread_round_trip():
    loop = asyncio.get_running_loop()
    for _ in range(2_000):
        await loop.run_in_executor(POOL, ignore)
    return 2_000


async def timers(_seconds):
    loop = asyncio.get_running_loop()
    delays = random_delays(TIMERS)
    handles = [None] * TIMERS
    start = perf_counter()
    for i in range(TIMERS):
        handles[i] = loop.call_later(delays[i], ignore)
    armed = perf_counter()
    for i in range(TIMERS):
        handles[i].cancel()
    await asyncio.sleep(0)
    cancelled = perf_counter()
    return {
        "timers, arm 1M": {"rate": TIMERS / (armed - start) / 1000},
        "timers, cancel 1M": {"rate": TIMERS / (cancelled - armed) / 1000},
    }


BATCHES = {
    "sleep(0), 1 task": sleep_one,
    "sleep(0), 1,000 tasks": sleep_many,
    "callSoon chain": call_soon_chain,
    "create + await, 100k": create_and_await,
    "create 100k, await all": create_then_await,
    "gather 10k": gather,
    "queue, maxsize 1": queue_of_one,
    "queue, unbounded": queue_unbounded,
    "futures to and fro": futures,
    "lock, 100 tasks": lock,
    "semaphore, 100 tasks": semaphore,
    "event to and fro": events,
    "condition to and fro": conditions,
    "await, done": await_done,
    "await, pending": await_pending,
    "await, async call": await_call,
    "thread round trip": thread_round_trip,
}

if __name__ == "__main__":
    serve({**rates(BATCHES), "timers": timers})
