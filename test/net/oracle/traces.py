# Plays scenarios on asyncio and prints what each of them noted.
import asyncio
import json
import sys


def print_traces(scenarios, play=lambda scenario, trace: scenario(trace)):
    """`play` surrounds each scenario with what all of them need."""
    traces = {}
    for scenario in scenarios:
        trace = []
        asyncio.run(asyncio.wait_for(play(scenario, trace), 10))
        traces[scenario.__name__] = trace
    json.dump({"python": sys.version.split()[0], "traces": traces}, sys.stdout, indent=2)
    print()
