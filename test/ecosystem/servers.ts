/** Real Redis and PostgreSQL servers, each in a folder of its own that goes with it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environment, findProgram } from './programs.js';

const NOBODY = 65534;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export class RealServer {
  readonly port: number;
  /** The folder of its Unix socket. */
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;

  private constructor(
    port: number,
    folder: string,
    child: ChildProcess,
    stopSignal: NodeJS.Signals,
  ) {
    this.port = port;
    this.folder = folder;
    this.#child = child;
    this.#stopSignal = stopSignal;
  }

  static async redis(): Promise<RealServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'aionode-redis-'));
    const port = await freePort();
    const child = spawn(
      findProgram('redis-server') as string,
      ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''].concat([
        '--unixsocket',
        path.join(folder, 'redis.sock'),
      ]),
      { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await printed(child, child.stdout as NodeJS.ReadableStream, /eady to accept connections/);
    return new RealServer(port, folder, child, 'SIGTERM');
  }

  /** PostgreSQL refuses to run as root: then it runs as nobody. Its superuser is `aionode`. */
  static async postgres(): Promise<RealServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'aionode-postgres-'));
    const asRoot = process.getuid?.() === 0;
    const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
    if (asRoot) chownSync(folder, NOBODY, NOBODY);
    chmodSync(folder, 0o700);
    const data = path.join(folder, 'data');
    const options = { env: { ...environment(), LC_ALL: 'C' }, cwd: folder, ...identity };
    const made = spawnSync(
      findProgram('initdb') as string,
      ['--pgdata', data, '--username', 'aionode', '--auth', 'trust', '--no-sync'],
      { ...options, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const port = await freePort();
    const child = spawn(
      findProgram('postgres') as string,
      ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', folder, '-F'],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await printed(child, child.stderr as NodeJS.ReadableStream, /ready to accept connections/);
    return new RealServer(port, folder, child, 'SIGINT');
  }

  async stop(): Promise<void> {
    this.#child.kill(this.#stopSignal);
    await once(this.#child, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function printed(
  child: ChildProcess,
  output: NodeJS.ReadableStream,
  pattern: RegExp,
): Promise<void> {
  let text = '';
  output.setEncoding('utf8');
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`ended: ${text}`)));
  const ready = new Promise<void>((resolve) => {
    output.on('data', (piece: string) => {
      text += piece;
      if (pattern.test(text)) resolve();
    });
  });
  ended.catch(() => {});
  await Promise.race([ready, ended]);
}
