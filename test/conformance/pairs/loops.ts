// Twin of loops.py: running, stopping and closing loops.
import { setTimeout as pause } from 'node:timers/promises';
import * as aionode from 'aionode';
import type { Log, Pairs } from '../interpreter/pairs.js';

async function attempt(log: Log, title: string, body: () => unknown): Promise<void> {
  try {
    await body();
  } catch (error) {
    log(title, error);
  }
}

async function waitForever(): Promise<void> {
  await aionode.getRunningLoop().createFuture();
}

export const pairs: Pairs = {
  run_returns_the_result: async (log) => {
    const result = await aionode.run(async () => {
      await aionode.sleep(0);
      return 5;
    });
    log('result', result);
  },

  run_raises_the_error_of_main: (log) =>
    attempt(log, 'run', () =>
      aionode.run(async () => {
        throw new RangeError();
      }),
    ),

  run_of_a_main_that_cancels_itself: (log) =>
    attempt(log, 'run', () =>
      aionode.run(async () => {
        aionode.currentTask()?.cancel('self');
        await aionode.sleep(0);
      }),
    ),

  run_cancels_what_is_left_and_waits_for_it: async (log) => {
    const left = async () => {
      try {
        await waitForever();
      } finally {
        log('cleaning');
        await aionode.sleep(0);
        log('cleaned');
      }
    };
    await aionode.run(async () => {
      aionode.createTask(left);
      await aionode.sleep(0);
      log('main ends');
    });
    log('run ends');
  },

  run_reports_a_failure_during_its_shutdown: async (log) => {
    const left = async () => {
      try {
        await waitForever();
      } catch {
        throw new RangeError();
      }
    };
    await aionode.run(async () => {
      const loop = aionode.getRunningLoop();
      loop.setExceptionHandler((_, context) => log('handler', context.exception));
      aionode.createTask(left);
      await aionode.sleep(0);
      log('main ends');
    });
    log('run ends');
  },

  run_inside_a_task_is_an_error: (log) =>
    aionode.run(() =>
      attempt(log, 'inside', () =>
        aionode.run(async () => {
          log('never');
        }),
      ),
    ),

  runner_runs_several_times_on_one_loop: async (log) => {
    const runner = new aionode.Runner();
    const first = await runner.run(async () => aionode.getRunningLoop());
    const second = await runner.run(async () => aionode.getRunningLoop());
    log(first === second, first === runner.getLoop());
    await runner.close();
    log(first.isClosed());
  },

  closed_runner: async (log) => {
    const runner = new aionode.Runner();
    const main = async () => log('main');
    await runner.run(main);
    await runner.close();
    await runner.close();
    await attempt(log, 'run', () => runner.run(main));
  },

  stop_finishes_the_batch: async (log) => {
    const loop = aionode.newEventLoop();
    loop.callSoon(() => {
      log('first');
      loop.callSoon(log, 'next run');
    });
    loop.callSoon(() => loop.stop());
    loop.callSoon(log, 'after stop');
    await loop.runForever();
    log('stopped', loop.isRunning(), loop.isClosed());
    loop.callSoon(() => loop.stop());
    await loop.runForever();
    loop.close();
    log('closed', loop.isClosed());
  },

  stop_before_run_forever_runs_one_batch: async (log) => {
    const loop = aionode.newEventLoop();
    loop.stop();
    loop.callSoon(() => {
      log('first');
      loop.callSoon(log, 'never');
    });
    await loop.runForever();
    log('stopped');
    loop.close();
  },

  timer_due_while_the_loop_is_stopped: async (log) => {
    const loop = aionode.newEventLoop();
    loop.callAt(loop.time() - 1, () => log('timer'));
    const cancelled = loop.callAt(loop.time() - 1, () => log('never'));
    // Long enough for both to come due.
    await pause(1);
    await pause(1);
    loop.callSoon(() => log('soon'));
    loop.callSoon(() => cancelled.cancel());
    loop.callSoon(() => loop.stop());
    await loop.runForever();
    log('stopped');
    loop.close();
  },

  run_until_complete_stopped_early: async (log) => {
    const loop = aionode.newEventLoop();
    const future = loop.createFuture<string>();
    loop.callSoon(() => loop.stop());
    await attempt(log, 'stopped', () => loop.runUntilComplete(future));
    loop.callSoon(() => future.setResult('value'));
    log(await loop.runUntilComplete(future));
    loop.close();
  },

  closed_loop_refuses_work: async (log) => {
    const loop = aionode.newEventLoop();
    loop.callSoon(log, 'dropped');
    loop.close();
    loop.close();
    await attempt(log, 'refused', () => loop.callSoon(log, 'never'));
    await attempt(log, 'refused', () => loop.callLater(1, log, 'never'));
    await attempt(log, 'refused', () => loop.runForever());
  },
};
