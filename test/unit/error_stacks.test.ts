/** Errors of operations show the code that called them, wherever they were made. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createSubprocessExec,
  getRunningLoop,
  openConnection,
  SubprocessProtocol,
  sleep,
  timeout,
  waitFor,
} from 'aionode';
import { freePort, LOCALHOST } from '../support/net.js';
import { inLoop } from '../support/tasks.js';

const operations: Record<string, () => PromiseLike<unknown>> = {
  'a refused connection': async () => openConnection(LOCALHOST, await freePort()),
  'an argument of the wrong type': async () => openConnection(8080 as never, 1),
  'a program that is not there': async () => createSubprocessExec('no-such-program', []),
  'a program that is not there, for a protocol': async () =>
    getRunningLoop().subprocessExec(() => new SubprocessProtocol(), 'no-such-program', []),
  'timeout()': async () => await timeout(0.001, () => sleep(60)),
  'timeout() of a foreign promise': async () => await timeout(0.001, () => new Promise(() => {})),
  'waitFor()': async () => await waitFor(sleep(60), 0.001),
};

describe('an error that takes no stack', () => {
  const kinds: Record<string, PropertyDescriptor> = {
    'one that cannot be written': { value: 'mine', writable: false },
    'one with a getter only': { get: () => 'mine' },
    'one whose getter throws': {
      get: () => {
        throw new Error('no stack');
      },
    },
  };
  for (const [name, descriptor] of Object.entries(kinds)) {
    it(
      `${name} is thrown as it is`,
      inLoop(async () => {
        const failure = Object.defineProperty(new Error('mine'), 'stack', descriptor);
        const factory = () => {
          throw failure;
        };
        const start = async () => getRunningLoop().subprocessExec(factory, 'true', []);
        await start().then(
          () => assert.fail('it was started'),
          (error) => assert.ok(error === failure),
        );
      }),
    );
  }
});

describe('the stack of an error names its caller', () => {
  for (const [name, operation] of Object.entries(operations)) {
    it(
      name,
      inLoop(async () => {
        const thisVeryCaller = async () => await operation();
        await assert.rejects(thisVeryCaller, ({ stack }: Error) => {
          assert.match(stack ?? '', /error_stacks\.test/);
          return true;
        });
      }),
    );
  }
});
