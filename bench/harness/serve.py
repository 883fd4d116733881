"""What serve.mjs is for the Node programs: see there."""

import asyncio
import json
import sys
from time import perf_counter, process_time


def serve(benchmarks):
    """Runs the benchmark named on the command line, on the loop named before it."""
    loop_name, name = sys.argv[1:3]
    benchmark = benchmarks.get(name)
    if benchmark is None:
        print("unsupported", flush=True)
        return
    if loop_name == "uvloop":
        import uvloop

        uvloop.install()
    print("ready", flush=True)
    for seconds in sys.stdin:
        print(json.dumps(asyncio.run(benchmark(float(seconds)))), flush=True)


def rate(name, batch):
    async def benchmark(seconds):
        start = perf_counter()
        start_cpu = process_time()
        operations = 0
        elapsed = 0
        while elapsed < seconds:
            operations += await batch()
            elapsed = perf_counter() - start
        cpu = process_time() - start_cpu
        return {name: {"rate": operations / elapsed / 1000, "cpu": cpu / operations * 1e9}}

    return benchmark


def rates(batches):
    return {name: rate(name, batch) for name, batch in batches.items()}


def random_delays(count):
    delays = []
    state = 12345
    for _ in range(count):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        delays.append(1 + state / 0x80000000 * 3_600)
    return delays
