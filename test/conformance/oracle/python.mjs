// Starts the oracle in a Python of one's choice: CPython in WebAssembly, or an interpreter on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const IN_WASM = { 3.14: 'pyodide', 3.15: 'pyodide-next' };

/**
 * `name` is '3.14' or '3.15' (WebAssembly, installed on first use) or a command such as 'python3'.
 * The result answers requests as oracle.py's `answer` does.
 */
export async function startPython(name) {
  return name in IN_WASM ? startInWasm(IN_WASM[name]) : startCommand(name);
}

async function startInWasm(packageName) {
  const folder = new URL(`node_modules/${packageName}/`, import.meta.url);
  if (!existsSync(folder)) install();
  const { loadPyodide } = await import(new URL('pyodide.mjs', folder).href);
  const python = await loadPyodide({ indexURL: fileURLToPath(folder) });
  python.FS.mkdir('/oracle');
  for (const file of readdirSync(HERE).filter((name) => name.endsWith('.py'))) {
    python.FS.writeFile(`/oracle/${file}`, readFileSync(new URL(file, import.meta.url)));
  }
  python.runPython("import sys; sys.path.insert(0, '/oracle')");
  const answer = python.pyimport('oracle').answer;
  return {
    answer: async (request) => JSON.parse(answer(JSON.stringify(request))),
    stop: () => answer.destroy(),
  };
}

function install() {
  const { status } = spawnSync('npm', ['ci', '--prefix', HERE, '--ignore-scripts'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('npm could not install the oracle');
}

function startCommand(command) {
  const child = spawn(command, [`${HERE}oracle.py`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    answer: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { done, value } = await lines.next();
      if (done) throw new Error(`${command} ended without an answer`);
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}
