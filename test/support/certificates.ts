/** The certificates of test/support/certificates, by their names there. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

export const certificateFile = (name: string): string =>
  path.join(ROOT, 'test', 'support', 'certificates', `${name}.pem`);

const pem = (name: string): string => readFileSync(certificateFile(name), 'utf8');

export const AUTHORITY: string = pem('authority');

export function identity(name: 'server' | 'other' | 'expired' | 'client' | 'self-signed'): {
  key: string;
  cert: string;
} {
  return { key: pem(`${name}-key`), cert: pem(name) };
}
