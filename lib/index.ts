export * from './exceptions.ts';
export * from './futures.ts';
export * from './tasks.ts';
export * from './gather.ts';
export * from './sleep.ts';
export * from './coroutines.ts';
export * from './loop.ts';
export { currentLoop as getRunningLoop } from './running.ts';
