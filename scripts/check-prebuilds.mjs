// Fails unless every prebuilt binary of a release is there and is what its name says. It runs before
// every `npm publish`, so that no release can lack one.
//
//   node scripts/check-prebuilds.mjs
import { faultsOf, fileOf, targets } from './prebuilds.mjs';

const faults = targets.flatMap((target) =>
  faultsOf(target).map((fault) => `${fileOf(target)} ${fault}`),
);
for (const fault of faults) console.error(fault);
console.log(`prebuilt binaries: ${targets.length} expected, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
