"""Runs programs on CPython's asyncio and answers with their traces.

    answer('{"scenarios": "text of a scenario file"}')   parses and runs
    answer('{"programs": [steps, ...]}')                 runs
    answer('{"pairs": "text of a file of pairs"}')       runs its functions `name(log)`

The answer is JSON: the version and one {name, program, trace, ambiguous, stuck, missing} each, of
pairs the name and the trace. As a script, it answers one request a line from standard input.
"""

import asyncio
import inspect
import json
import sys
import warnings

from describe import describe
from interpreter import Interpreter
from parser import parse_scenarios
from virtual_loop import VirtualLoop

# A program without timers that has not ended after so many passes is stuck.
PASS_LIMIT = 200
# Reports that have no place in the order of events: the garbage collector makes them.
UNORDERED = ("never retrieved", "destroyed")

# Tasks that asyncio refuses to create leave their coroutine behind.
warnings.filterwarnings("ignore", "coroutine .* was never awaited")


def is_timed(program):
    return '"@' in json.dumps(program)


class Run:
    """One program on one loop of its own."""

    def __init__(self, counts_passes):
        self.trace = []
        self.missing = None
        self.loop = VirtualLoop()
        self._counts_passes = counts_passes
        self._passes = 0
        self._open = True
        self.interpreter = Interpreter(self.loop, self.log)

    def log(self, text):
        if self._open:
            self.trace.append(f"{self._passes} {text}" if self._counts_passes else text)

    def execute(self, coroutine):
        self.loop.set_exception_handler(self._report)
        if self._counts_passes:
            self.loop.call_soon(self._next_pass)
        self._main = main = self.loop.create_task(coroutine, name="main")
        main.add_done_callback(self._end)
        self.loop.run_forever()
        if self._open:
            self._end(main)
        self._clean_up([main, *self.interpreter.tasks])

    def _end(self, main):
        self._counts_passes = False
        self.log(self._outcome(main))
        self._open = False
        self.loop.stop()

    def _outcome(self, main):
        if not main.done():
            pending = [task.get_name() for task in self.interpreter.tasks if not task.done()]
            return " ".join(["stuck", *pending])
        if main.cancelled():
            return "main cancelled"
        if error := main.exception():
            return f"main raised {describe(error)}"
        return f"main returned {describe(main.result())}"

    def _next_pass(self):
        self._passes += 1
        if self._passes == PASS_LIMIT:
            self._end(self._main)
        elif self._open:
            self.loop.call_soon(self._next_pass)

    def _report(self, loop, context):
        if not any(text in context["message"] for text in UNORDERED):
            self.log(f"handler {describe(context.get('exception'))}")

    def _clean_up(self, tasks):
        for _ in range(10):
            for task in tasks:
                task.cancel()
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        for future in [*tasks, *self.interpreter.futures()]:
            if future.done() and not future.cancelled():
                future.exception()
        self.loop.close()


def run_program(name, program):
    run = Run(counts_passes=not is_timed(program))
    run.execute(run.interpreter.body(program))
    return {
        "name": name,
        "program": program,
        "trace": run.trace,
        "stuck": run.trace[-1].startswith("stuck"),
        "ambiguous": run.loop.ambiguous,
        "missing": run.interpreter.missing,
    }


def run_pairs(source):
    """Runs the public functions of a file of pairs/, each with a function that appends to its trace."""
    namespace = {}
    exec(compile(source, "pairs", "exec"), namespace)
    traces = {}
    for name, function in namespace.items():
        if inspect.isfunction(function) and list(inspect.signature(function).parameters) == ["log"]:
            trace = traces[name] = []
            function(lambda *values: trace.append(" ".join(map(describe, values))))
    return [{"name": name, "trace": trace} for name, trace in traces.items()]


def answer(request):
    # In WebAssembly the host's loop counts as running all the time; here ours run, one after another.
    host_loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return json.dumps({"python": sys.version.split()[0], "results": _results(json.loads(request))})
    finally:
        asyncio._set_running_loop(host_loop)


def _results(request):
    results = []
    if "scenarios" in request:
        named = parse_scenarios(request["scenarios"])
        results += [run_program(name, program) for name, program in named]
    for number, program in enumerate(request.get("programs", [])):
        results.append(run_program(str(number), program))
    if "pairs" in request:
        results += run_pairs(request["pairs"])
    return results


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer(line), flush=True)
