"""Run the asyncio twin of every example and store what it prints as the expected output.

    python3 test/support/example-twins/regenerate.py            writes examples/expected/
    python3 test/support/example-twins/regenerate.py --check    compares, exit code 1 if different

Elapsed times are stored as a placeholder, as the tests compare them.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPECTED = HERE.parents[2] / "examples" / "expected"


def output_of(twin):
    command = [sys.executable, str(twin)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if done.stderr:
        raise SystemExit(f"{twin.name} wrote to stderr:\n{done.stderr}")
    return re.sub(r"\d+\.\d+ s\b", "<time> s", done.stdout)


def main():
    check = sys.argv[1:] == ["--check"]
    different = []
    for twin in sorted(HERE.glob("*.py")):
        if twin.name == Path(__file__).name:
            continue
        expected = EXPECTED / f"{twin.stem}.txt"
        printed = output_of(twin)
        if not check:
            expected.write_text(printed)
        elif not expected.exists() or expected.read_text() != printed:
            different.append(twin.stem)
    if different:
        raise SystemExit(f"different from asyncio: {', '.join(different)}")


main()
