// The public surface of aionode: re-exports only.
export type { SocketAddress } from './addresses.ts';
export { Barrier } from './barriers.ts';
export { Condition } from './conditions.ts';
export type { ConnectOptions } from './connecting.ts';
export type { Context } from './context.ts';
export {
  type Coro,
  type Coroutine,
  coroutine,
  iscoroutine,
  iscoroutinefunction,
} from './coroutines.ts';
export type { DatagramOptions } from './datagram_endpoints.ts';
export type { DatagramTransportSocket } from './datagram_transport_socket.ts';
export { fromDuplex, type ToDuplexOptions, toDuplex } from './duplex.ts';
export { createEagerTaskFactory, eagerTaskFactory } from './eager.ts';
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
export { type Executor, ThreadPoolExecutor, type ThreadPoolOptions } from './executors.ts';
export { wrapFuture } from './foreign_promises.ts';
export { Future, isfuture } from './futures.ts';
export { type GatherOptions, gather, shield } from './gather.ts';
export {
  type CallGraphOptions,
  captureCallGraph,
  type FutureCallGraph,
  formatCallGraph,
  printCallGraph,
} from './graph.ts';
export type { Handle, TimerHandle } from './handles.ts';
export type { ServerOptions, ServerSocket } from './listening.ts';
export { BoundedSemaphore, Event, Lock, Semaphore } from './locks.ts';
export {
  type EventLoop,
  type ExceptionContext,
  type ExceptionHandler,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  type TaskFactory,
} from './loop.ts';
export type { PipeOptions, PipeTarget } from './piping.ts';
export {
  createSubprocessExec,
  createSubprocessShell,
  type Piped,
  type Process,
} from './processes.ts';
export {
  BaseProtocol,
  BufferedProtocol,
  DatagramProtocol,
  Protocol,
  SubprocessProtocol,
} from './protocols.ts';
export { LifoQueue, PriorityQueue, Queue } from './queues.ts';
export { type StreamOptions, StreamReader } from './reading.ts';
export type { AddressInfo } from './resolver.ts';
export { Runner, type RunnerOptions, type RunOptions, run } from './runners.ts';
export type { SendfileOptions } from './sendfile.ts';
export { Server } from './servers.ts';
export { sleep } from './sleep.ts';
export { type Awaitable, allTasks, createTask, ensureFuture } from './spawning.ts';
export {
  type ClientConnectedCallback,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
} from './stream_servers.ts';
export { StreamWriter } from './streams.ts';
export { DEVNULL, PIPE, STDOUT, type Stdio, type SubprocessOptions } from './subprocess_options.ts';
export { TaskGroup } from './taskgroups.ts';
export { currentTask, iscancelled, Task, type TaskOptions } from './tasks.ts';
export { toThread, type WorkerModule, workerModule } from './threads.ts';
export { type ThreadsafeFunctions, ThreadsafeLoop } from './threadsafe.ts';
export { currentSignal, type Timeout, timeout, timeoutAt, waitFor } from './timeouts.ts';
export type { StartTlsOptions, TlsOptions } from './tls_options.ts';
export type { TlsTransportSocket } from './tls_socket.ts';
export { type TransferItem, transfer } from './transfers.ts';
export type { TransportSocket } from './transport_socket.ts';
export type {
  BaseTransport,
  DatagramTransport,
  ReadTransport,
  SubprocessTransport,
  Transport,
  WriteTransport,
} from './transport_types.ts';
export type { Bytes, BytesLike, Seconds } from './types.ts';
export type { AcceptedSocketOptions, UnixPath } from './unix_sockets.ts';
export {
  ALL_COMPLETED,
  type AsCompleted,
  asCompleted,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type FuturesAsCompleted,
  wait,
} from './wait.ts';
export { Waker, wake } from './wakers.ts';
export { fromWeb, toWeb, type WebStreamPair } from './web_streams.ts';
