// Twin of contexts.py: an AsyncLocalStorage through callbacks, tasks and awaits.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  createTask,
  gather,
  getRunningLoop,
  run,
  shield,
  sleep,
  TaskGroup,
  timeout,
  wait,
} from 'aionode';
import type { Pairs } from '../interpreter/pairs.js';

const storage = new AsyncLocalStorage<string>();
const color = () => storage.getStore() ?? 'none';
const within = <T>(value: string, body: () => T): T => storage.run(value, body);

export const pairs: Pairs = {
  tasks_have_the_context_of_their_creator: async (log) => {
    const show = async (name: string) => {
      log(name, color());
      await sleep(0);
      log(name, color());
    };
    await run(async () => {
      const red = within('red', () => createTask(() => show('first')));
      const blue = within('blue', () => createTask(() => show('second')));
      await gather(red, blue);
      log('main', color());
    });
  },

  a_task_woken_in_another_context_keeps_its_own: (log) =>
    run(async () => {
      const future = getRunningLoop().createFuture<null>();
      const waiter = async () => {
        await future;
        log('waiter', color());
      };
      const task = within('red', () => createTask(waiter));
      await sleep(0);
      within('blue', () => future.setResult(null));
      await task;
      log('main', color());
    }),

  callbacks_have_the_context_of_the_scheduling_call: (log) =>
    run(async () => {
      const loop = getRunningLoop();
      const show = (name: string) => log(name, color());
      within('red', () => loop.callSoon(show, 'soon'));
      within('blue', () => loop.callLater(0, show, 'later'));
      loop.callSoon(show, 'plain');
      await sleep(0);
      await sleep(0);
    }),

  done_callbacks_have_the_context_of_who_added_them: (log) =>
    run(async () => {
      const future = getRunningLoop().createFuture<null>();
      const show = () => log(color());
      within('red', () => future.addDoneCallback(show));
      future.addDoneCallback(show);
      within('blue', () => future.setResult(null));
      await sleep(0);
      await sleep(0);
    }),

  cancel_from_another_context: (log) =>
    run(async () => {
      const waiter = async () => {
        try {
          await getRunningLoop().createFuture();
        } finally {
          log('cleanup', color());
          await sleep(0);
          log('cleanup', color());
        }
      };
      const task = within('red', () => createTask(waiter));
      await sleep(0);
      within('blue', () => task.cancel());
      await wait([task]);
      log('main', color());
    }),

  the_context_of_a_task_can_be_given: (log) =>
    run(async () => {
      const context = within('red', () => AsyncLocalStorage.snapshot());
      await createTask(async () => log('task', color()), { context });
      log('main', color());
    }),

  children_of_a_group_and_timeouts: (log) =>
    run(async () => {
      const show = async (name: string) => {
        await sleep(0);
        log(name, color());
      };
      const body = async () => {
        await timeout(null, () =>
          TaskGroup.run(async (group) => {
            group.createTask(() => show('child'));
            await sleep(0);
            log('body', color());
          }),
        );
        log('after', color());
      };
      await within('red', () => createTask(body));
    }),

  shield_and_gather: (log) =>
    run(async () => {
      const show = async (name: string) => {
        await sleep(0);
        log(name, color());
      };
      await within('red', () =>
        gather(
          () => show('one'),
          () => show('two'),
        ),
      );
      await within('blue', () => shield(() => show('shielded')));
      log('main', color());
    }),
};
