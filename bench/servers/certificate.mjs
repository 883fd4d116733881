// The key and the certificate of the TLS servers: those of the tests.
import { readFileSync } from 'node:fs';

const read = (name) =>
  readFileSync(new URL(`../../test/support/certificates/${name}.pem`, import.meta.url));

export const certificate = { key: read('server-key'), cert: read('server') };
