/** The pattern as a file, for sendfile(). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pattern } from './content.mjs';

/** Of this run; removed at its end. */
export const folder = mkdtempSync(path.join(os.tmpdir(), 'aionode-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let made;

export function patternFile() {
  if (made === undefined) {
    made = path.join(folder, 'pattern');
    writeFileSync(made, pattern);
  }
  return made;
}
