// Signal handlers of event loops, and what run() does about signals.
// Floor 5.
//
// Node delivers a signal to the listeners of the process, in the main thread. One listener per signal
// serves all loops: it puts the handle of each in that loop's ready queue, so that a handler runs as an
// ordinary entry, in its own step. Without a listener Node gives the signal its default disposition back.
//
// As in Python a signal has one owner: a handler that a loop adds takes the signal from a run() that would
// cancel its main, and what is removed leaves the default, not what was there before.

import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { checkFunction, checkString, invalidArgType } from './arguments.ts';
import { captureContext } from './context.ts';
import { iscoroutine, iscoroutinefunction } from './coroutines.ts';
import { RuntimeError } from './exceptions.ts';
import { Handle } from './handles.ts';
import { clearInterval, setInterval } from './node_timers.ts';
import { enteredLoops } from './running.ts';
import type { LoopCore } from './turns.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function can be a handler
type SignalCallback = (...args: any[]) => void;

const handlers = new Map<NodeJS.Signals, Map<LoopCore, Handle>>();
/** What run() listens with, until a loop's handler takes its place. */
const interrupts = new Map<NodeJS.Signals, Set<NodeJS.SignalsListener>>();

function onSignal(signal: NodeJS.Signals): void {
  for (const [loop, handle] of handlers.get(signal) ?? []) loop.enqueueEvent(handle);
}

/** @internal */
export function checkSignalName(signal: unknown, name: string): asserts signal is NodeJS.Signals {
  checkString(signal, name);
  if (Object.hasOwn(constants.signals, signal as string)) return;
  throw Object.assign(new TypeError(`Unknown signal: ${signal}`), { code: 'ERR_UNKNOWN_SIGNAL' });
}

function listen(signal: NodeJS.Signals): void {
  try {
    process.on(signal, onSignal);
  } catch (error) {
    // Node has entered the listener before the system refused it.
    process.off(signal, onSignal);
    throw new RuntimeError(`${signal} cannot be caught`, { cause: error });
  }
}

/** @see EventLoop.addSignalHandler @internal */
export function addSignalHandler(
  loop: LoopCore,
  signal: NodeJS.Signals,
  callback: SignalCallback,
  args: readonly unknown[],
): void {
  if (iscoroutine(callback) || iscoroutinefunction(callback)) {
    throw invalidArgType('callback', 'a plain function (start a task in it)', callback);
  }
  checkFunction(callback, 'callback');
  checkSignalName(signal, 'signal');
  loop.checkClosed();
  if (!isMainThread) {
    throw new RuntimeError('Signals reach the main thread only: handle them there');
  }
  const perLoop = handlers.get(signal) ?? new Map<LoopCore, Handle>();
  if (perLoop.size === 0) listen(signal);
  handlers.set(signal, perLoop);
  perLoop.set(loop, new Handle(loop, callback, args, captureContext()));
  for (const listener of interrupts.get(signal) ?? []) process.off(signal, listener);
  interrupts.delete(signal);
  holdProcess();
}

/** @see EventLoop.removeSignalHandler @internal */
export function removeSignalHandler(loop: LoopCore, signal: NodeJS.Signals): boolean {
  checkSignalName(signal, 'signal');
  const perLoop = handlers.get(signal);
  if (perLoop === undefined || !perLoop.delete(loop)) return false;
  if (perLoop.size === 0) {
    handlers.delete(signal);
    process.off(signal, onSignal);
  }
  holdProcess();
  return true;
}

/** The loop is closed. @internal */
export function removeSignalHandlersOf(loop: LoopCore): void {
  for (const signal of [...handlers.keys()]) removeSignalHandler(loop, signal);
}

/**
 * Has run() listen to a signal, unless the program does so itself.
 * @returns the function that ends this
 * @internal
 */
export function onInterrupt(signal: NodeJS.Signals, listener: NodeJS.SignalsListener): () => void {
  const listeners = interrupts.get(signal) ?? new Set();
  if (process.listenerCount(signal) > listeners.size) return () => {};
  interrupts.set(signal, listeners.add(listener));
  try {
    process.on(signal, listener);
  } catch (error) {
    listeners.delete(listener);
    process.off(signal, listener);
    throw new RuntimeError(`${signal} cannot be caught`, { cause: error });
  }
  return () => {
    listeners.delete(listener);
    process.off(signal, listener);
  };
}

let hold: NodeJS.Timeout | undefined;
/** The longest interval that Node knows: the timer is there to be seen, not to fire. */
const kHoldMs = 2 ** 31 - 1;

/**
 * Keeps the process alive while a running loop has a signal handler: what waits for a signal is no
 * deadlock. The thread's default loop always runs, and as Node's own listeners do, its handlers keep
 * nothing alive. Called when loops begin and end to run.
 * @internal
 */
export function holdProcess(): void {
  const waits = enteredLoops().some((loop) =>
    [...handlers.values()].some((perLoop) => perLoop.has(loop)),
  );
  if (waits) {
    hold ??= setInterval(() => {}, kHoldMs);
  } else {
    clearInterval(hold);
    hold = undefined;
  }
}
