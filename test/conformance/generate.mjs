// Random programs in the step language (README.md), for fast-check: it shrinks what differs.
//
// A program is drawn as a tree of small actions whose references are numbers; lowering turns them into
// steps with names. A task awaits only tasks with a lower number than its own, so that no cycle of
// awaits can arise: cancelling one is an endless recursion in asyncio.
import fc from 'fast-check';

const TASKS = 5;
const FUTURES = 2;

// A program uses few kinds of primitives, so that its tasks meet at them.
const THEMES = {
  queue: ['put', 'get', 'put', 'get', 'putNowait', 'getNowait', 'taskDone', 'join', 'shutdown'],
  event: ['setEvent', 'clearEvent', 'waitEvent', 'waitEvent'],
  condition: ['waitCondition', 'waitCondition', 'notify'],
  barrier: ['waitBarrier', 'waitBarrier', 'resetBarrier'],
  future: ['awaitFuture', 'awaitFuture', 'setFuture', 'failFuture', 'cancelFuture'],
};

const leaf = (kind) => fc.record({ kind: fc.constant(kind) });
const withNumber = (kind) => fc.record({ kind: fc.constant(kind), number: fc.nat(7) });

/** An arbitrary of programs; `timed` ones also sleep and have deadlines. */
export function programs({ timed }) {
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
      { weight: 3, arbitrary: simpleActions(timed) },
      { weight: 1, arbitrary: blocks(tie('actions'), timed) },
    ),
  }));
  return fc
    .record({
      themes: fc.subarray(Object.keys(THEMES), { minLength: 1, maxLength: 2 }),
      tasks: fc.array(actions, { minLength: 1, maxLength: TASKS, size: 'max' }),
    })
    .map((drawn) => lowerProgram(drawn, timed));
}

function simpleActions(timed) {
  return fc.oneof(
    { weight: 5, arbitrary: leaf('pause') },
    { weight: timed ? 8 : 0, arbitrary: withNumber('nap') },
    { weight: 14, arbitrary: fc.record({ kind: fc.constant('primitive'), number: fc.nat(63) }) },
    { weight: 8, arbitrary: taskActions() },
    { weight: 1, arbitrary: leaf('raise') },
  );
}

function taskActions() {
  const several = fc.array(fc.nat(7), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 4, arbitrary: withNumber('cancel') },
    ...['cancelling', 'uncancel', 'cancelSelf'].map(withNumber),
    ...['awaitTask', 'shield', 'cancelSoon'].map(withNumber),
    fc.record({ kind: fc.constant('gather'), several, flag: fc.boolean() }),
    fc.record({ kind: fc.constant('wait'), several, number: fc.nat(2) }),
  );
}

function blocks(body, timed) {
  const block = (kind) => fc.record({ kind: fc.constant(kind), body });
  const deadline = fc.record({
    kind: fc.constantFrom('timeout', 'waitFor'),
    body,
    number: timed ? fc.nat(7) : fc.constant(0),
  });
  return fc.oneof(
    ...['lock', 'semaphore', 'swallow', 'reraise', 'catchError', 'coroutine'].map(block),
    fc.record({ kind: fc.constant('finally'), body, cleanup: body }),
    fc.record({
      kind: fc.constant('group'),
      body,
      children: fc.array(body, { minLength: 1, maxLength: 2 }),
    }),
    { weight: 3, arbitrary: deadline },
  );
}

const PRELUDE = [
  ...Array.from({ length: FUTURES }, (_, i) => ['=', `F${i}`, ['Future']]),
  ['=', 'L', ['Lock']],
  ['=', 'E', ['Event']],
  ['=', 'S', ['Semaphore', 1]],
  ['=', 'C', ['Condition']],
  ['=', 'B', ['Barrier', 2]],
  ['=', 'Q', ['Queue', 1]],
];

function lowerProgram({ themes, tasks }, timed) {
  const names = tasks.map((_, i) => `t${i}`);
  const program = {
    count: 0,
    tasks: tasks.length,
    primitives: themes.flatMap((theme) => THEMES[theme]),
  };
  const created = tasks.map((actions, i) => [
    'task',
    names[i],
    lower(actions, { owner: names[i], below: i, program }),
  ]);
  return withoutUnused([...PRELUDE, ...created, ...ending(names, timed)]);
}

/** Gives the tasks time to end by themselves, then cancels them and waits for what becomes of them. */
function ending(names, timed) {
  const pause = timed
    ? ['await', ['wait', ...names, { timeout: '@30' }]]
    : ['repeat', 20, [['await', ['sleep', 0]]]];
  const outcome = ['=', 'all', ['await', ['gather', ...names, { return_exceptions: true }]]];
  return [pause, ...names.map((name) => [`${name}.cancel`]), outcome, ['log', 'all']];
}

/** Drops the part of the prelude that nothing refers to, so that a reported program is short. */
function withoutUnused(program) {
  const text = JSON.stringify(program.slice(PRELUDE.length));
  return program.filter(
    (step, i) => i >= PRELUDE.length || new RegExp(`"${step[1]}["\\.]`).test(text),
  );
}

const lower = (actions, scope) => actions.flatMap((action) => lowerAction(action, scope));

/** A fresh label and the steps that log it, alone or with the result of a step. */
function labelled(scope) {
  const id = ++scope.program.count;
  const label = `'${scope.owner}.${id}`;
  return {
    id,
    label,
    logged: (...steps) => [...steps, ['log', label]],
    result: (step) => [
      ['=', `v${id}`, step],
      ['log', label, `v${id}`],
    ],
  };
}

function lowerPrimitive(kind, number, scope) {
  const { label, id, logged, result } = labelled(scope);
  const future = `F${number % FUTURES}`;
  switch (kind) {
    case 'put':
      return logged(['await', ['Q.put', label]]);
    case 'putNowait':
      return logged(['Q.put_nowait', label]);
    case 'get':
      return result(['await', ['Q.get']]);
    case 'getNowait':
      return result(['Q.get_nowait']);
    case 'join':
      return logged(['await', ['Q.join']]);
    case 'shutdown':
      return number === 0 ? logged(['Q.shutdown']) : logged(['Q.task_done']);
    case 'taskDone':
      return logged(['Q.task_done']);
    case 'setEvent':
      return logged(['E.set']);
    case 'clearEvent':
      return logged(['E.clear']);
    case 'waitEvent':
      return logged(['await', ['E.wait']]);
    case 'waitBarrier':
      return result(['await', ['B.wait']]);
    case 'resetBarrier':
      return number < 8 ? logged(['await', ['B.reset']]) : result(['await', ['B.wait']]);
    case 'waitCondition':
      return [['with', 'C', logged(['await', ['C.wait']])]];
    case 'notify':
      return [['with', 'C', logged(['C.notify', number % 3])]];
    case 'awaitFuture':
      return result(['await', future]);
    case 'setFuture':
      return logged([`${future}.set_result`, label]);
    case 'failFuture': {
      const error = `x${id}`;
      return logged(['=', error, ['error', label]], [`${future}.set_exception`, error]);
    }
    case 'cancelFuture':
      return result([`${future}.cancel`, label]);
    default:
      throw new Error(`unknown primitive ${kind}`);
  }
}

/** Every action leaves a line in the trace, so that a difference shows where it arises. */
function lowerAction(action, scope) {
  const { label, id, logged, result } = labelled(scope);
  const anyTask = `t${(action.number ?? 0) % scope.program.tasks}`;
  const awaitable = (number) =>
    scope.below > 0 && number < 5 ? `t${number % scope.below}` : `F${number % FUTURES}`;
  const delay = action.number === 0 ? 0 : `@${action.number}`;
  const body = () => lower(action.body, scope);

  switch (action.kind) {
    case 'primitive': {
      const { primitives } = scope.program;
      return lowerPrimitive(primitives[action.number % primitives.length], action.number, scope);
    }
    case 'pause':
      return logged(['await', ['sleep', 0]]);
    case 'nap':
      return logged(['await', ['sleep', `@${action.number + 1}`]]);
    case 'raise':
      return [
        ['log', label],
        ['raise', label],
      ];
    case 'cancel':
      return result([`${anyTask}.cancel`, label]);
    case 'cancelling':
      return result([`${anyTask}.cancelling`]);
    case 'uncancel':
      return result([`${anyTask}.uncancel`]);
    case 'cancelSelf':
      return [['=', 'self', ['current_task']], ...result(['self.cancel', label])];
    case 'cancelSoon': {
      const name = `c${id}`;
      const callback = ['callback', name, result([`${anyTask}.cancel`, label])];
      return [callback, ...logged(['loop.call_soon', name])];
    }
    case 'awaitTask':
      return result(['await', awaitable(action.number)]);
    case 'shield':
      return result(['await', ['shield', awaitable(action.number)]]);
    case 'gather': {
      const options = action.flag ? [{ return_exceptions: true }] : [];
      return result(['await', ['gather', ...action.several.map(awaitable), ...options]]);
    }
    case 'wait': {
      const when = ['ALL_COMPLETED', 'FIRST_COMPLETED', 'FIRST_EXCEPTION'][action.number];
      const set = action.several.map(awaitable);
      return result(['await', ['wait', ...set, { return_when: when }]]);
    }
    case 'lock':
      return [['with', 'L', [['log', label], ...body()]]];
    case 'semaphore':
      return [['with', 'S', [['log', label], ...body()]]];
    case 'swallow':
      return [['try', body(), { except: [['cancelled', `e${id}`, [['log', label, `e${id}`]]]] }]];
    case 'reraise': {
      const error = `e${id}`;
      const handler = [
        ['log', label, error],
        ['raise', error],
      ];
      return [['try', body(), { except: [['any', error, handler]] }]];
    }
    case 'catchError': {
      const error = `e${id}`;
      return [['try', body(), { except: [['error', error, [['log', label, error]]]] }]];
    }
    case 'finally':
      return [['try', body(), { finally: [['log', label], ...lower(action.cleanup, scope)] }]];
    case 'coroutine': {
      const name = `d${id}`;
      return [['def', name, body()], ...logged(['await', ['gather', name]])];
    }
    case 'timeout':
      return logged(['timeout', delay, `T${id}`, body()]);
    case 'waitFor': {
      const name = `d${id}`;
      return [['def', name, body()], ...logged(['await', ['wait_for', name, delay]])];
    }
    case 'group': {
      const group = `G${id}`;
      const children = action.children.map((child) => {
        const owner = `${group}c${++scope.program.count}`;
        return ['task', owner, { in: group }, lower(child, { ...scope, owner })];
      });
      return logged(['group', group, [...children, ...body()]]);
    }
    default:
      throw new Error(`unknown action ${action.kind}`);
  }
}
