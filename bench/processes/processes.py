"""The benchmarks of the processes suite for Python, on asyncio's loop or on uvloop's."""

import asyncio
import pathlib
import sys
from asyncio.subprocess import DEVNULL, PIPE

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

from serve import rates, serve  # noqa: E402

MEBIBYTE = 1 << 20
SOURCE_MIB = 64
CHUNK = bytes(64 * 1024)


async def start():
    child = await asyncio.create_subprocess_exec("/bin/true", stdin=DEVNULL)
    await child.wait()


async def read_all(reader):
    total = 0
    while chunk := await reader.read(256 * 1024):
        total += len(chunk)
    return total / MEBIBYTE


async def one_by_one():
    for _ in range(20):
        await start()
    return 20


async def eight_at_a_time():
    left = [40]

    async def starter():
        while left[0] > 0:
            left[0] -= 1
            await start()

    await asyncio.gather(*(starter() for _ in range(8)))
    return 40


async def read_from_a_child():
    child = await asyncio.create_subprocess_exec(
        "/usr/bin/head", "-c", str(SOURCE_MIB * MEBIBYTE), "/dev/zero", stdin=DEVNULL, stdout=PIPE
    )
    read = await read_all(child.stdout)
    await child.wait()
    return read


async def through_cat():
    child = await asyncio.create_subprocess_exec("/bin/cat", stdin=PIPE, stdout=PIPE)

    async def feed():
        for _ in range(SOURCE_MIB * MEBIBYTE // len(CHUNK)):
            child.stdin.write(CHUNK)
            await child.stdin.drain()
        child.stdin.close()

    _, read = await asyncio.gather(feed(), read_all(child.stdout))
    await child.wait()
    return read


BATCHES = {
    "true, one by one": one_by_one,
    "true, 8 at a time": eight_at_a_time,
    "read from a child": read_from_a_child,
    "through cat": through_cat,
}

if __name__ == "__main__":
    serve(rates(BATCHES))
