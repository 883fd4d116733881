import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const canPinTo = (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0;

/** The cores for server and client; null where they cannot be had. */
export function chooseCores() {
  return canPinTo(0) && canPinTo(1) ? { server: 0, client: 1 } : { server: null, client: null };
}

/**
 * Seconds of CPU time all threads of a process have used. From schedstat, in nanoseconds: what
 * /proc/PID/stat counts in clock ticks is too coarse for a slice of less than a second.
 */
export function cpuSeconds(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    nanoseconds += Number(onCpu);
  }
  return nanoseconds / 1e9;
}

export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

export function describeMachine() {
  return `${os.cpus().length} x ${os.cpus()[0].model.trim()}, ${os.type()} ${os.release()}`;
}
