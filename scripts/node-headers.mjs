// Node's headers, which node-gyp downloads once per version and finds again.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rootDir } from './prebuilds.mjs';

/** The oldest supported Node: what is built against its headers loads in every later one. */
export const HEADERS_OF_NODE = '20.19.0';

/** The folder of node_api.h and uv.h. */
export function nodeHeaders() {
  const folder = path.join(rootDir, 'build', 'headers');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  writeFileSync(
    path.join(folder, 'binding.gyp'),
    '{ "targets": [{ "target_name": "headers", "type": "none" }] }\n',
  );
  const { status, stderr, error } = spawnSync(
    'node-gyp',
    ['configure', `--target=${HEADERS_OF_NODE}`],
    { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`node-gyp finds no headers of Node:\n${stderr}`);
  const config = readFileSync(path.join(folder, 'build', 'config.gypi'), 'utf8');
  const { nodedir } = JSON.parse(config.replace(/^#.*$/gm, '')).variables;
  return path.join(nodedir, 'include', 'node');
}
