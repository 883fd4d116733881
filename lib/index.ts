// The public surface of aionode: re-exports only.
export type { Context } from './context.ts';
export { type Coro, type Coroutine, coroutine, iscoroutine, iscoroutinefunction } from './coroutines.ts';
export {
  BrokenBarrierError,
  CancelledError,
  ExceptionGroup,
  IncompleteReadError,
  InvalidStateError,
  LimitOverrunError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  SendfileNotAvailableError,
  TimeoutError,
} from './exceptions.ts';
export { Future, isfuture, wrapFuture } from './futures.ts';
export { type GatherOptions, gather, shield } from './gather.ts';
export type { Handle, TimerHandle } from './handles.ts';
export {
  type EventLoop,
  type ExceptionContext,
  type ExceptionHandler,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
} from './loop.ts';
export { type RunnerOptions, type RunOptions, Runner, run } from './runners.ts';
export { sleep } from './sleep.ts';
export { TaskGroup } from './taskgroups.ts';
export {
  type Awaitable,
  allTasks,
  createTask,
  currentTask,
  ensureFuture,
  iscancelled,
  Task,
  type TaskFactory,
  type TaskOptions,
} from './tasks.ts';
export { currentSignal, type Timeout, timeout, timeoutAt, waitFor } from './timeouts.ts';
