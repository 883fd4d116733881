/** loop.subprocessExec() and loop.subprocessShell(): what a SubprocessProtocol is told, as asyncio tells it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  Event,
  getRunningLoop,
  PIPE,
  SubprocessProtocol,
  type SubprocessTransport,
  sleep,
} from 'aionode';
import { ROOT } from '../support/example-process.js';
import { inLoop } from '../support/net.js';
import { isGone, NEEDS_POSIX } from '../support/processes.js';

interface Scenario {
  name: string;
  command: string;
  pipes: number[];
  steps: [entry: string, action: string][];
  trace: string[];
  returncode: number;
}

const { python, scenarios } = JSON.parse(
  readFileSync(path.join(ROOT, 'test/processes/oracle/protocols.json'), 'utf8'),
) as { python: string; scenarios: Scenario[] };

class Recorder extends SubprocessProtocol {
  readonly trace: string[] = [];
  private readonly changed = new Event();

  private note(entry: string): void {
    this.trace.push(entry);
    this.changed.set();
  }

  async noted(entry: string): Promise<void> {
    while (!this.trace.includes(entry)) {
      this.changed.clear();
      await this.changed.wait();
    }
  }

  override connectionMade(): void {
    this.note('made');
  }

  override pipeDataReceived(fd: number, data: Buffer): void {
    this.note(`data ${fd} ${data}`);
  }

  override pipeConnectionLost(fd: number, error: unknown): void {
    this.note(`lost ${fd}${error === null ? '' : ` ${error}`}`);
  }

  override processExited(): void {
    this.note('exited');
  }

  override connectionLost(): void {
    this.note('over');
  }
}

function act(transport: SubprocessTransport, action: string): void {
  if (action === 'write') transport.getPipeTransport(0).write('go\n');
  else if (action === 'close stdin') transport.getPipeTransport(0).close();
  else if (action === 'close stdout') transport.getPipeTransport(1).close();
  else transport[action as 'close' | 'kill' | 'terminate']();
}

/** After the last step the child ends with its pipes, all at once: those entries have no order. */
function comparable(trace: string[], steps: Scenario['steps']): string[] {
  const last = steps.at(-1);
  const settled = last === undefined ? 1 : trace.indexOf(last[0]) + 1;
  assert.equal(trace.at(-1), 'over');
  return [...trace.slice(0, settled), ...trace.slice(settled, -1).sort()];
}

describe(`a SubprocessProtocol is told what Python ${python} tells it`, NEEDS_POSIX, () => {
  for (const { name, command, pipes, steps, trace, returncode } of scenarios) {
    it(
      name,
      inLoop(async () => {
        const [stdin, stdout, stderr] = [0, 1, 2].map((fd) => (pipes.includes(fd) ? PIPE : null));
        const [transport, recorder] = await getRunningLoop().subprocessExec(
          () => new Recorder(),
          'sh',
          ['-c', command],
          { stdin: stdin ?? null, stdout: stdout ?? null, stderr: stderr ?? null },
        );
        for (const [entry, action] of steps) {
          await recorder.noted(entry);
          act(transport, action);
        }
        await recorder.noted('over');
        assert.deepEqual(comparable(recorder.trace, steps), comparable(trace, steps));
        assert.equal(transport.getReturncode(), returncode);
      }),
    );
  }
});

describe('a SubprocessTransport', NEEDS_POSIX, () => {
  it(
    'gives pid, return code and pipes',
    inLoop(async () => {
      const [transport, recorder] = await getRunningLoop().subprocessShell(
        () => new Recorder(),
        'read x; exit 2',
        { stderr: null },
      );
      assert.deepEqual(recorder.trace, ['made']);
      assert.equal(isGone(transport.getPid()), false);
      assert.equal(transport.getReturncode(), null);
      assert.notEqual(transport.getPipeTransport(1), null);
      assert.equal(transport.getPipeTransport(2), null);
      assert.equal(transport.getPipeTransport(7), null);
      assert.equal(transport.isClosing(), false);
      assert.equal(transport.getExtraInfo('nothing', 'fallback'), 'fallback');
      assert.equal(transport.getProtocol(), recorder);
      transport.getPipeTransport(0).close();
      await recorder.noted('over');
      assert.equal(transport.getReturncode(), 2);
      assert.throws(() => transport.kill(), { code: 'ESRCH' });
      transport.close();
    }),
  );

  it(
    'close() kills, also twice',
    inLoop(async () => {
      const [transport, recorder] = await getRunningLoop().subprocessExec(
        () => new Recorder(),
        'sleep',
        ['1000'],
      );
      transport.close();
      transport.close();
      assert.equal(transport.isClosing(), true);
      await recorder.noted('over');
      assert.equal(transport.getReturncode(), -9);
    }),
  );

  it(
    'tells the protocol that stdin is full, and when it is not any more',
    inLoop(async () => {
      class Pausing extends Recorder {
        override pauseWriting(): void {
          this.trace.push('pause');
        }
        override resumeWriting(): void {
          this.trace.push('resume');
        }
      }
      const [transport, recorder] = await getRunningLoop().subprocessExec(
        () => new Pausing(),
        'sh',
        ['-c', 'cat >/dev/null'],
        { stdin: PIPE },
      );
      transport.getPipeTransport(0).write(Buffer.alloc(2_000_000));
      transport.getPipeTransport(0).close();
      await recorder.noted('over');
      assert.deepEqual(recorder.trace.slice(0, 3), ['made', 'pause', 'resume']);
    }),
  );

  it(
    'reports what a protocol throws, and goes on',
    inLoop(async (reports) => {
      class Failing extends Recorder {
        override pipeDataReceived(): void {
          throw new Error('mine');
        }
      }
      const [, recorder] = await getRunningLoop().subprocessExec(
        () => new Failing(),
        'echo',
        ['x'],
        { stdout: PIPE },
      );
      await recorder.noted('over');
      assert.deepEqual(
        reports.splice(0).map(({ exception }) => (exception as Error).message),
        ['mine'],
      );
    }),
  );

  it(
    'a factory that throws starts nothing; one that is no function is refused',
    inLoop(async () => {
      const loop = getRunningLoop();
      await assert.rejects(
        loop.subprocessExec(() => {
          throw new Error('no protocol');
        }, 'true'),
        { message: 'no protocol' },
      );
      await assert.rejects(loop.subprocessExec(null as never, 'true'), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
      await sleep(0);
    }),
  );
});
