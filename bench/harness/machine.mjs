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

const WARM_UP_CPU_SECONDS = 0.7;
const WARM_UP_LIMIT_MS = 10_000;

/**
 * Repeats `work` until the process has used enough CPU time to be warm. By CPU time, since on a busy
 * machine a process gets through little in a given time: what was compiled late would be charged to
 * the work that is counted.
 */
export async function warmUp(pid, work, seconds = WARM_UP_CPU_SECONDS) {
  const giveUp = performance.now() + WARM_UP_LIMIT_MS;
  const limit = cpuSeconds(pid) + seconds;
  while (cpuSeconds(pid) < limit && performance.now() < giveUp) await work();
}
