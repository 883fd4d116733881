// Names of services ('http') to port numbers: the system's own table, which node:dns does not show.
// Floor 6.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const kTable =
  process.platform === 'win32'
    ? path.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'services')
    : '/etc/services';

function portIn(table: string, service: string): number | undefined {
  for (const line of table.split('\n')) {
    const [name, place = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [port, protocol] = place.split('/');
    if (protocol === 'tcp' && (name === service || aliases.includes(service))) return Number(port);
  }
  return undefined;
}

/**
 * The TCP port of a service, by its name or as decimal digits.
 * @throws an Error with code 'EAI_SERVICE' when the system does not know it
 * @internal
 */
export async function portOfService(service: string): Promise<number> {
  if (/^\d+$/.test(service)) return Number(service);
  const table = await readFile(kTable, 'utf8').catch(() => '');
  const port = portIn(table, service);
  if (port !== undefined) return port;
  const error = new Error(`getaddrinfo EAI_SERVICE ${service}`);
  throw Object.assign(error, { code: 'EAI_SERVICE', syscall: 'getaddrinfo' });
}
