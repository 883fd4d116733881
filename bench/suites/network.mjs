import { compile } from '../harness/compile.mjs';
import { chooseCores, cpuSeconds, warmUp } from '../harness/machine.mjs';
import { findPeers } from '../harness/peers.mjs';
import { Program } from '../harness/program.mjs';
import { Results } from '../harness/results.mjs';
import { rotate, startAll } from '../harness/rotation.mjs';
import { Unavailable } from '../harness/unavailable.mjs';

/** The load client, or the reason why there can be no network benchmark here. */
export function loadClient() {
  if (process.platform !== 'linux') throw new Unavailable('the load client needs Linux');
  return compile('client');
}

/** The load client with TLS, which needs OpenSSL's headers. */
export function tlsLoadClient() {
  loadClient();
  return compile('client', ['-DWITH_TLS', '-lssl', '-lcrypto'], 'client-tls');
}

export async function startServer(command, mode, core) {
  const program = new Program([...command, mode], { core });
  const port = Number(await program.line());
  return { program, port, pid: program.pid };
}

export function startClient(
  binary,
  { client, connections, seconds = 0, size, line = 0 },
  port,
  core,
) {
  return new Program([binary, client, ...[port, connections, seconds, size, line].map(String)], {
    core,
  });
}

async function slice(binary, load, server, core) {
  const client = startClient(binary, load, server.port, core);
  try {
    await client.line();
    const before = cpuSeconds(server.pid);
    client.send('go');
    const done = JSON.parse(await client.line());
    const cpu = cpuSeconds(server.pid) - before;
    await client.end();
    return { ...done, cpu };
  } finally {
    await client.kill();
  }
}

/**
 * A suite of load on servers. Each of `lines` has a name, the `server` mode and the load: `client`
 * mode, connections, size, line. `client` compiles the load client. `programs` is the peers' group of
 * programs (harness/peers.mjs), `warmUpSeconds` the CPU time of a warm-up if it is not the usual one.
 * `values` turns what a slice gave into metrics.
 */
export function networkSuite({
  name,
  title,
  metrics,
  lines,
  programs = 'servers',
  client = loadClient,
  warmUpSeconds,
  values,
}) {
  return {
    name,
    title,
    references: ['libuv', 'node', 'asyncio'],
    metrics,
    lines: lines.map((line) => line.name),

    async run(options, isSelected, progress) {
      const binary = client();
      const cores = chooseCores();
      const { commands, skipped } = findPeers(programs, options);
      const results = new Results();
      const selected = lines.filter((each) => isSelected(each.name));
      for (const mode of new Set(selected.map((line) => line.server))) {
        const ofMode = selected.filter((line) => line.server === mode);
        const servers = await startAll(commands, name, results, (command) =>
          startServer(command, mode, cores.server),
        );
        const started = [...servers.values()];
        const loadOf = (line) => ({ ...line, seconds: options.sliceSeconds });
        try {
          for (const [peer, server] of servers) {
            progress(`${name}: ${peer} warms up`);
            const work = () => slice(binary, loadOf(ofMode[0]), server, cores.client);
            await warmUp(server.pid, work, warmUpSeconds).catch((error) => {
              results.fail(ofMode[0].name, peer, error);
              servers.delete(peer);
            });
          }
          for (const line of ofMode) {
            progress(line.name);
            await rotate({
              rounds: options.rounds,
              subjects: servers,
              line: line.name,
              results,
              measure: async (_, server) => ({
                [line.name]: values(await slice(binary, loadOf(line), server, cores.client)),
              }),
            });
          }
        } finally {
          await Promise.all(started.map((server) => server.program.kill()));
        }
      }
      return { results, skipped };
    },
  };
}
