# What a SubprocessProtocol is told, in order. The scenarios are data, which ../protocols.test.ts runs
# too: a step waits for an entry of the trace, then acts.
#
#   python3 test/processes/oracle/protocols.py > test/processes/oracle/protocols.json
import asyncio
import json
import sys

PIPE = asyncio.subprocess.PIPE

SCENARIOS = [
    {"name": "no pipes", "command": "exit 3", "pipes": [], "steps": []},
    {
        "name": "each stream ends by itself, then the child",
        "command": "printf a; read x; printf b >&2; read x; exec 1>&-; read x; exec 2>&-; read x",
        "pipes": [0, 1, 2],
        "steps": [
            ["data 1 a", "write"],
            ["data 2 b", "write"],
            ["lost 1", "write"],
            ["lost 2", "write"],
        ],
    },
    {
        "name": "stdin is closed by us",
        "command": "read x; printf end; read x; exec 1>&-; sleep 0.05",
        "pipes": [0, 1],
        "steps": [["made", "write"], ["data 1 end", "close stdin"]],
    },
    {
        "name": "the child ends, and a child of its own holds the pipes",
        "command": "exec 3<&0; (read x <&3; printf $x; read x <&3) & exit 5",
        "pipes": [0, 1],
        "steps": [["exited", "write"], ["data 1 go", "write"]],
    },
    {
        "name": "the transport is closed while the child runs",
        "command": "exec sleep 1000",
        "pipes": [0, 1],
        "steps": [["made", "close"]],
    },
    {"name": "killed", "command": "exec sleep 1000", "pipes": [], "steps": [["made", "kill"]]},
    {
        "name": "terminated",
        "command": "exec sleep 1000",
        "pipes": [],
        "steps": [["made", "terminate"]],
    },
    {
        "name": "the child closes its stdin",
        "command": "exec 0<&-; exec sleep 1000",
        "pipes": [0],
        "steps": [["lost 0", "kill"]],
    },
    {
        "name": "a pipe of ours is closed, and the child writes on",
        "command": "read x; printf lost; exit 4",
        "pipes": [0, 1],
        "steps": [["made", "close stdout"], ["lost 1", "write"]],
    },
]


class Recorder(asyncio.SubprocessProtocol):
    def __init__(self):
        self.trace = []
        self.changed = asyncio.Event()

    def note(self, entry):
        self.trace.append(entry)
        self.changed.set()

    async def noted(self, entry):
        while entry not in self.trace:
            self.changed.clear()
            await self.changed.wait()

    def connection_made(self, transport):
        self.note("made")

    def pipe_data_received(self, fd, data):
        self.note(f"data {fd} {data.decode()}")

    def pipe_connection_lost(self, fd, exc):
        self.note(f"lost {fd}" + ("" if exc is None else f" {type(exc).__name__}"))

    def process_exited(self):
        self.note("exited")

    def connection_lost(self, exc):
        self.note("over")


def act(transport, action):
    if action == "write":
        transport.get_pipe_transport(0).write(b"go\n")
    elif action == "close stdin":
        transport.get_pipe_transport(0).close()
    elif action == "close stdout":
        transport.get_pipe_transport(1).close()
    else:
        getattr(transport, action)()


async def run(scenario):
    streams = [PIPE if fd in scenario["pipes"] else None for fd in range(3)]
    transport, recorder = await asyncio.get_running_loop().subprocess_exec(
        Recorder, "sh", "-c", scenario["command"],
        stdin=streams[0], stdout=streams[1], stderr=streams[2])
    for entry, action in scenario["steps"]:
        await recorder.noted(entry)
        act(transport, action)
    await recorder.noted("over")
    return {**scenario, "trace": recorder.trace, "returncode": transport.get_returncode()}


async def main():
    results = [await run(scenario) for scenario in SCENARIOS]
    version = ".".join(map(str, sys.version_info[:2]))
    print(json.dumps({"python": version, "scenarios": results}, indent=2))


asyncio.run(main())
