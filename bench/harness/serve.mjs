// For the Node programs that run benchmarks in their own process. They are started with the name of
// one benchmark, print whether they have it, and run it for each line they are sent: the line is the
// time in seconds it should take, the answer is line -> metric -> value as JSON.
import { createInterface } from 'node:readline';

/** `enter` runs the benchmark in the surroundings it needs. */
export async function serve(benchmarks, enter = (body) => body()) {
  const benchmark = benchmarks[process.argv[2]];
  if (benchmark === undefined) {
    console.log('unsupported');
    return;
  }
  console.log('ready');
  for await (const seconds of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await enter(() => benchmark(Number(seconds)))));
  }
}

/** A benchmark that repeats `batch`, which returns how many operations it did. */
export function rate(name, batch) {
  return async (seconds) => {
    const start = performance.now();
    const startCpu = process.cpuUsage();
    let operations = 0;
    let milliseconds = 0;
    do {
      operations += await batch();
      milliseconds = performance.now() - start;
    } while (milliseconds < seconds * 1000);
    const { user, system } = process.cpuUsage(startCpu);
    return {
      [name]: { rate: operations / milliseconds, cpu: ((user + system) / operations) * 1000 },
    };
  };
}

export function rates(batches) {
  return Object.fromEntries(
    Object.entries(batches).map(([name, batch]) => [name, rate(name, batch)]),
  );
}

/** Random, and the same in every program and round: from 1 to about an hour, in seconds. */
export function randomDelays(count) {
  let state = 12345;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return 1 + (state / 0x80000000) * 3_600;
  });
}
