// Turns drawn actions (generate.mjs) into steps of the step language (README.md).
//
// Every action leaves a line in the trace, so that a difference shows where it arises. A task awaits only
// tasks with a lower number than its own, so that no cycle of awaits can arise: cancelling one is an
// endless recursion in asyncio.

export const FUTURES = 2;

const PRELUDE = [
  ...Array.from({ length: FUTURES }, (_, i) => ['=', `F${i}`, ['Future']]),
  ['=', 'L', ['Lock']],
  ['=', 'E', ['Event']],
  ['=', 'S', ['Semaphore', 1]],
  ['=', 'M', ['BoundedSemaphore', 2]],
  ['=', 'C', ['Condition']],
  ['=', 'B', ['Barrier', 2]],
  ['=', 'Q', ['Queue', 1]],
  ['=', 'P', ['PriorityQueue', 2]],
  ['=', 'Z', ['LifoQueue', 2]],
  ['=', 'R', ['StreamReader', { limit: 4 }]],
];

/** What a StreamReader is fed; `|` ends a line. */
const TEXTS = [
  'a',
  'b',
  '|',
  'ab',
  'a|',
  '|b',
  'bb|',
  'aabb',
  'ab|ab',
  'abaaba',
  'bbbbbb|',
  'ba|b|',
];
const SEPARATORS = [['b'], ['|'], ['ab'], ['bb', 'a|'], ['aaa', '|', 'ba']];

/**
 * @param tasks - of each task its actions, and if it is eager what it does before it waits at first
 * @param operations - the operations on primitives that the program is about
 */
export function lowerProgram({ tasks, operations }, timed) {
  const names = tasks.map((_, i) => `t${i}`);
  const program = { count: 0, tasks: tasks.length, operations };
  const created = tasks.map(({ atOnce, actions }, i) => {
    const scope = { owner: names[i], below: i, others: tasks.length, program };
    if (atOnce === null) return ['task', names[i], lower(actions, scope)];
    // The tasks after an eager one are not there when it starts. An await ends its step: see README.md.
    const first = lower(atOnce, { ...scope, others: i });
    const later = [['await', ['sleep', 0]], ...lower(actions, scope)];
    return ['task', names[i], { eager_start: true }, [...first, ...later]];
  });
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

/** Operations on primitives: the name of the primitive, a dot, and what is done. */
function lowerOperation(operation, number, scope) {
  const { label, id, logged, result } = labelled(scope);
  const [primitive, verb] = operation.split('.');
  const name = primitive === 'F' ? `F${number % FUTURES}` : primitive;
  const call = (...args) => [`${name}.${verb}`, ...args];
  const pick = (list) => list[Math.floor(number / 16) % list.length];
  switch (verb) {
    case 'put':
      return logged(['await', call(label)]);
    case 'put_nowait':
    case 'set_result':
      return logged(call(label));
    case 'readline':
    case 'get':
    case 'wait':
      return primitive === 'C'
        ? [['with', 'C', logged(['await', call()])]]
        : result(['await', call()]);
    case 'acquire':
    case 'join':
    case 'reset':
    case 'abort':
      return logged(['await', call()]);
    case 'wait_for': {
      const predicate = [
        ['=', `p${id}`, ['E.is_set']],
        ['log', label, `p${id}`],
        ['return', `p${id}`],
      ];
      return [
        ['callback', `c${id}`, predicate],
        ['with', 'C', result(['await', call(`c${id}`)])],
      ];
    }
    case 'notify':
      return [['with', 'C', logged(call(number % 3))]];
    case 'notify_all':
      return [['with', 'C', logged(call())]];
    case 'shutdown':
      return number % 4 === 0 ? logged(call(number % 8 === 0)) : logged([`${name}.task_done`]);
    case 'feed_data':
      return logged(['=', `b${id}`, ['bytes', `'${pick(TEXTS)}`]], call(`b${id}`));
    case 'feed_eof':
      return pick([0, 0, 0, 1]) === 0 ? [] : logged(call());
    case 'read':
    case 'readexactly':
      return result(['await', call(pick([0, 1, 2, 3, 5, 9]))]);
    case 'readuntil': {
      const separators = pick(SEPARATORS).map((text, i) => [
        '=',
        `s${id}${i}`,
        ['bytes', `'${text}`],
      ]);
      const all = ['=', `s${id}`, ['any_of', ...separators.map(([, each]) => each)]];
      return [...separators, all, ...result(['await', call(`s${id}`)])];
    }
    case 'set_exception':
      if (primitive === 'R' && pick([0, 0, 0, 1]) === 0) return [];
      return logged(['=', `x${id}`, ['error', label]], call(`x${id}`));
    case 'cancel':
      return result(call(label));
    case 'await':
      return result(['await', name]);
    default:
      return result(call());
  }
}

function lowerAction(action, scope) {
  const { label, id, logged, result } = labelled(scope);
  const { program } = scope;
  const future = (number) => `F${number % FUTURES}`;
  const anyTask = scope.others > 0 ? `t${(action.number ?? 0) % scope.others}` : 'F0';
  const awaitable = (number) =>
    scope.below > 0 && number < 5 ? `t${number % scope.below}` : future(number);
  const several = () => action.several.map(awaitable);
  const delay = action.number === 0 ? 0 : `@${action.number}`;
  const body = (inner = scope) => lower(action.body, inner);
  const callback = (steps) => ['callback', `c${id}`, steps];

  switch (action.kind) {
    case 'primitive': {
      const { operations } = program;
      return lowerOperation(operations[action.number % operations.length], action.number, scope);
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
    case 'uncancel':
      return anyTask === 'F0' ? [] : result([`${anyTask}.${action.kind}`]);
    case 'cancelSelf':
      return [['=', 'self', ['current_task']], ...result(['self.cancel', label])];
    case 'ask':
      return result([`${anyTask}.${['done', 'cancelled', 'exception', 'result'][action.what]}`]);
    case 'cancelSoon': {
      const soon = ['=', `h${id}`, ['loop.call_soon', `c${id}`]];
      const steps = [callback(result([`${anyTask}.cancel`, label])), ...logged(soon)];
      return action.number === 0 ? [...steps, [`h${id}.cancel`]] : steps;
    }
    case 'cancelWhenDone': {
      const watched = action.what === 0 ? future(action.number) : anyTask;
      const add = [`${watched}.add_done_callback`, `c${id}`];
      const steps = [callback(result([`${anyTask}.cancel`, label])), ...logged(add)];
      return action.what === 1
        ? [
            ...steps,
            add,
            ['await', ['sleep', 0]],
            ...result([`${watched}.remove_done_callback`, `c${id}`]),
          ]
        : steps;
    }
    case 'awaitTask':
      return result(['await', awaitable(action.number)]);
    case 'shield':
      return result(['await', ['shield', awaitable(action.number)]]);
    case 'gather':
      return result(['await', ['gather', ...several(), ...optionsOfGather(action)]]);
    case 'hold': {
      // What is held may be done and then cancelled, or cancelled by others while this task goes on.
      const made = action.flag ? ['gather', ...several()] : ['shield', several()[0]];
      return [
        ['=', `g${id}`, made],
        ['await', ['sleep', 0]],
        ...(action.number < 3 ? result([`g${id}.cancel`, label]) : []),
        ...result(['await', action.number % 2 ? `g${id}` : ['wait', `g${id}`]]),
      ];
    }
    case 'wait': {
      const when = ['ALL_COMPLETED', 'FIRST_COMPLETED', 'FIRST_EXCEPTION'][action.number % 3];
      const limit = action.timeout === undefined ? {} : { timeout: action.timeout };
      return result(['await', ['wait', ...several(), { return_when: when, ...limit }]]);
    }
    case 'waitForOther':
      return result(['await', ['wait_for', awaitable(action.number), action.timeout]]);
    case 'completed': {
      const limit = action.timeout === undefined ? [] : [{ timeout: action.timeout }];
      const block = action.flag ? 'each_completed' : 'async_each_completed';
      const each = action.flag ? result(['await', `x${id}`]) : [['log', label, `x${id}`]];
      const steps = action.number === 0 ? [...each, ['return', label]] : each;
      return [
        ['def', `d${id}`, [[block, `x${id}`, ...several(), ...limit, steps]]],
        ...logged(['await', `d${id}`]),
      ];
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
    case 'timeout': {
      const steps = body({ ...scope, timeout: `T${id}` });
      return [['timeout', delay, `T${id}`, steps], ...result([`T${id}.expired`])];
    }
    case 'reschedule': {
      const when = action.number < 2 ? null : action.timed ? `@${action.number}` : 0;
      return scope.timeout === undefined ? [] : logged(['reschedule', scope.timeout, when]);
    }
    case 'waitFor': {
      const name = `d${id}`;
      return [['def', name, body()], ...logged(['await', ['wait_for', name, delay]])];
    }
    case 'group': {
      const group = `G${id}`;
      const inner = { ...scope, group };
      const children = action.children.map((child) => childTask(child, inner));
      return logged(['group', group, [...children, ...body(inner)]]);
    }
    case 'child':
      return scope.group === undefined ? [] : logged(childTask(action.body, scope));
    case 'cancelGroup':
      return scope.group === undefined ? [] : logged([`${scope.group}.cancel`]);
    default:
      throw new Error(`unknown action ${action.kind}`);
  }
}

const optionsOfGather = ({ flag }) => (flag ? [{ return_exceptions: true }] : []);

function childTask(actions, scope) {
  const owner = `${scope.group}c${++scope.program.count}`;
  return ['task', owner, { in: scope.group }, lower(actions, { ...scope, owner })];
}
