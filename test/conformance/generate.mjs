// Random programs in the step language (README.md), for fast-check: it shrinks what differs.
//
// A program is drawn as a tree of small actions whose references are numbers; lowering.mjs turns them
// into steps with names.
import fc from 'fast-check';
import { lowerProgram } from './lowering.mjs';

const TASKS = 5;

// A program uses few kinds of primitives, so that its tasks meet at them. What stands twice is drawn
// twice as often.
const THEMES = {
  queue: 'Q.put Q.get Q.put Q.get Q.put_nowait Q.get_nowait Q.task_done Q.join Q.shutdown',
  priorityQueue: 'P.put P.put P.get P.get P.put_nowait P.get_nowait P.join P.shutdown',
  lifoQueue: 'Z.put Z.put Z.get Z.get Z.put_nowait Z.get_nowait Z.join Z.shutdown',
  event: 'E.set E.clear E.wait E.wait',
  lock: 'L.acquire L.acquire L.release L.release L.locked',
  semaphore: 'S.acquire S.acquire S.release S.release S.locked',
  boundedSemaphore: 'M.acquire M.acquire M.release M.release M.locked',
  condition: 'C.wait C.wait C.notify C.notify_all',
  predicate: 'C.wait_for C.wait_for C.notify C.notify_all E.set E.clear',
  barrier: 'B.wait B.wait B.wait B.wait B.wait B.reset B.abort B.n_waiting B.broken',
  reader:
    'R.feed_data R.feed_data R.feed_data R.feed_data R.read R.readexactly R.readline R.readuntil ' +
    'R.at_eof R.set_exception R.feed_eof',
  future: 'F.await F.await F.set_result F.set_exception F.cancel F.done',
};
/** Operations that an eager task may do before it waits at first: see README.md. */
const AT_ONCE =
  /\.(put_nowait|get_nowait|task_done|shutdown|set|clear|release|locked|set_result|set_exception|cancel|done)$/;

const leaf = (kind) => fc.record({ kind: fc.constant(kind) });
const withNumber = (kind) => fc.record({ kind: fc.constant(kind), number: fc.nat(7) });

/**
 * An arbitrary of programs; `timed` ones also sleep and have deadlines; `cancelsGroups`: they use what
 * asyncio has from 3.15 on.
 */
export function programs({ timed, cancelsGroups = false }) {
  const { actions } = fc.letrec((tie) => ({
    actions: fc.array(tie('action'), {
      minLength: 1,
      maxLength: 5,
      size: 'max',
      depthIdentifier: 'program',
    }),
    // The first one is what is left at the greatest depth.
    action: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'program' },
      { weight: 3, arbitrary: simpleActions(timed, cancelsGroups) },
      { weight: 1, arbitrary: blocks(tie('actions'), timed) },
    ),
  }));
  const atOnce = fc.array(actionsAtOnce(), { minLength: 1, maxLength: 2 });
  const task = fc.record({ atOnce: fc.option(atOnce, { freq: 4 }), actions });
  return fc
    .record({
      themes: fc.subarray(Object.keys(THEMES), { minLength: 1, maxLength: 2 }),
      tasks: fc.array(task, { minLength: 1, maxLength: TASKS, size: 'max' }),
    })
    .map(({ themes, tasks }) => {
      const operations = themes.flatMap((theme) => THEMES[theme].split(' '));
      return lowerProgram(
        { tasks: tasks.map((drawn) => withOperations(drawn, operations)), operations },
        timed,
      );
    });
}

/** Of what an eager task does at once only those operations are left that do not wait. */
function withOperations({ atOnce, actions }, operations) {
  if (atOnce === null) return { atOnce, actions };
  const waits = ({ kind, number }) =>
    kind === 'primitive' && !AT_ONCE.test(operations[number % operations.length]);
  return { atOnce: atOnce.filter((action) => !waits(action)), actions };
}

function actionsAtOnce() {
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('primitive'), number: fc.nat(1023) }) },
    {
      weight: 2,
      arbitrary: fc.oneof(...['cancel', 'cancelSoon', 'uncancel', 'cancelSelf'].map(withNumber)),
    },
    { weight: 1, arbitrary: leaf('raise') },
  );
}

function simpleActions(timed, cancelsGroups) {
  return fc.oneof(
    { weight: 5, arbitrary: leaf('pause') },
    { weight: timed ? 8 : 0, arbitrary: withNumber('nap') },
    { weight: 14, arbitrary: fc.record({ kind: fc.constant('primitive'), number: fc.nat(1023) }) },
    { weight: 10, arbitrary: taskActions(timed) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('reschedule'),
        number: fc.nat(7),
        timed: fc.constant(timed),
      }),
    },
    { weight: cancelsGroups ? 3 : 0, arbitrary: leaf('cancelGroup') },
    { weight: 1, arbitrary: leaf('raise') },
  );
}

function taskActions(timed) {
  const several = fc.array(fc.nat(7), { minLength: 1, maxLength: 3 });
  const flag = fc.boolean();
  const number = fc.nat(7);
  const what = fc.nat(3);
  const seconds = fc.integer({ min: 1, max: 7 }).map((n) => `@${n}`);
  const timeout = timed
    ? fc.oneof(fc.constantFrom(0, -1, null), seconds)
    : fc.constantFrom(0, -1, null);
  // The timer of a timeout of 0 is a timer all the same.
  const limit = timed ? fc.option(seconds, { nil: undefined }) : fc.constant(undefined);
  const record = (kind, fields) => fc.record({ kind: fc.constant(kind), ...fields });
  return fc.oneof(
    { weight: 4, arbitrary: withNumber('cancel') },
    ...['cancelling', 'uncancel', 'cancelSelf'].map(withNumber),
    ...['awaitTask', 'shield', 'cancelSoon'].map(withNumber),
    record('ask', { number, what }),
    record('cancelWhenDone', { number, what }),
    record('gather', { several, flag }),
    record('hold', { several, flag, number }),
    record('wait', { several, number, timeout: limit }),
    record('waitForOther', { number, timeout }),
    record('completed', { several, flag, number: fc.nat(2), timeout: limit }),
  );
}

function blocks(body, timed) {
  const block = (kind) => fc.record({ kind: fc.constant(kind), body });
  const deadline = fc.record({
    kind: fc.constantFrom('timeout', 'timeout', 'waitFor'),
    body,
    number: timed ? fc.nat(7) : fc.constant(0),
  });
  return fc.oneof(
    ...['lock', 'semaphore', 'swallow', 'reraise', 'catchError', 'coroutine', 'child'].map(block),
    fc.record({ kind: fc.constant('finally'), body, cleanup: body }),
    fc.record({
      kind: fc.constant('group'),
      body,
      children: fc.array(body, { minLength: 1, maxLength: 2 }),
    }),
    { weight: 3, arbitrary: deadline },
  );
}
