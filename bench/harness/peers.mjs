import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { compile } from './compile.mjs';
import { benchDir, rootDir } from './paths.mjs';
import { reasonOf } from './reason.mjs';
import { Unavailable } from './unavailable.mjs';

export const peerNames = ['aionode', 'node', 'node+aionode', 'asyncio', 'uvloop', 'libuv'];

const inBench = (file) => path.join(benchDir, file);

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function requireAionode(node) {
  const args = ['--input-type=module', '-e', "await import('aionode')"];
  const { status, stderr } = spawnSync(node, args, { cwd: rootDir, encoding: 'utf8' });
  if (status !== 0) throw new Unavailable(`is it built? ${reasonOf(stderr)}`);
}

// Resolved to the interpreter itself: a version manager's shim would be measured along with it.
function pythonWith(module) {
  const script = `import ${module}, sys; print(sys.executable)`;
  for (const python of ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  throw new Unavailable(`no python3 that can import ${module}`);
}

// asyncio on the interpreter that has uvloop, if there is one, so that only the loop differs.
function pythonForAsyncio() {
  try {
    return pythonWith('uvloop');
  } catch {
    return pythonWith('asyncio');
  }
}

function libuvFlags() {
  if (!succeeds('pkg-config', ['--exists', 'libuv'])) return ['-luv'];
  const { stdout } = spawnSync('pkg-config', ['--cflags', '--libs', 'libuv'], { encoding: 'utf8' });
  return stdout.trim().split(/\s+/);
}

/**
 * The command line, without what to run, of each peer in each group of programs. A peer that a group
 * does not list takes no part in it; one that is not installed throws Unavailable.
 */
const groups = {
  servers: {
    aionode: ({ node }) => {
      requireAionode(node);
      return [node, '--expose-gc', inBench('servers/aionode.mjs')];
    },
    node: ({ node }) => [node, '--expose-gc', inBench('servers/net.mjs')],
    asyncio: () => [pythonForAsyncio(), inBench('servers/streams.py'), 'asyncio'],
    uvloop: () => [pythonWith('uvloop'), inBench('servers/streams.py'), 'uvloop'],
    libuv: () => [compile('servers/libuv.c', libuvFlags())],
  },
  datagramServers: {
    aionode: ({ node }) => {
      requireAionode(node);
      return [node, inBench('servers/aionode-datagrams.mjs')];
    },
    node: ({ node }) => [node, inBench('servers/dgram.mjs')],
    asyncio: () => [pythonForAsyncio(), inBench('servers/datagrams.py'), 'asyncio'],
    uvloop: () => [pythonWith('uvloop'), inBench('servers/datagrams.py'), 'uvloop'],
    libuv: () => [compile('servers/libuv-datagrams.c', libuvFlags())],
  },
  tlsServers: {
    aionode: ({ node }) => {
      requireAionode(node);
      return [node, inBench('servers/aionode-tls.mjs')];
    },
    node: ({ node }) => [node, inBench('servers/tls.mjs')],
  },
  inProcess: {
    aionode: ({ node }, folder) => {
      requireAionode(node);
      return [node, '--expose-gc', inBench(`${folder}/aionode.mjs`)];
    },
    node: ({ node }, folder) => [node, '--expose-gc', inBench(`${folder}/node.mjs`)],
    'node+aionode': ({ node }, folder) => {
      requireAionode(node);
      return [node, '--expose-gc', '--import', 'aionode', inBench(`${folder}/node.mjs`)];
    },
    asyncio: (_, folder) => [pythonForAsyncio(), inBench(`${folder}/${folder}.py`), 'asyncio'],
    uvloop: (_, folder) => [pythonWith('uvloop'), inBench(`${folder}/${folder}.py`), 'uvloop'],
  },
};

/** Returns the commands of the wanted peers that are there, and why the others are not. */
export function findPeers(group, options, folder) {
  const commands = new Map();
  const skipped = [];
  for (const [peer, find] of Object.entries(groups[group])) {
    if (options.peers !== null && !options.peers.includes(peer)) continue;
    try {
      commands.set(peer, find(options, folder));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      skipped.push({ peer, reason: error.message });
    }
  }
  return { commands, skipped };
}
