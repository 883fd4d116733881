// Names of services ('http') and port numbers: the system's own table, which node:dns does not show.
// Floor 6.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const kTable =
  process.platform === 'win32'
    ? path.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'services')
    : '/etc/services';

interface Service {
  readonly names: readonly string[];
  readonly port: number;
}

/** The services over TCP. */
async function* services(): AsyncGenerator<Service> {
  const table = await readFile(kTable, 'utf8').catch(() => '');
  for (const line of table.split('\n')) {
    const [name, place = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [port, protocol] = place.split('/');
    if (protocol === 'tcp' && name) yield { names: [name, ...aliases], port: Number(port) };
  }
}

/**
 * The TCP port of a service, by its name or as decimal digits.
 * @throws an Error with code 'EAI_SERVICE' when the system does not know it
 * @internal
 */
export async function portOfService(service: string): Promise<number> {
  if (/^\d+$/.test(service)) return Number(service);
  for await (const { names, port } of services()) if (names.includes(service)) return port;
  const error = new Error(`getaddrinfo EAI_SERVICE ${service}`);
  throw Object.assign(error, { code: 'EAI_SERVICE', syscall: 'getaddrinfo' });
}

/** The name of the service at a TCP port; the port itself when it has none. @internal */
export async function serviceAtPort(port: number): Promise<string> {
  for await (const service of services())
    if (service.port === port) return service.names[0] as string;
  return String(port);
}
