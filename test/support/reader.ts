/** What the tests of StreamReader share: readers fed by hand. */
import assert from 'node:assert/strict';
import { StreamReader, sleep, type Task } from 'aionode';

export function readerOf(...chunks: (string | Uint8Array)[]): StreamReader {
  const reader = new StreamReader();
  feed(reader, ...chunks);
  return reader;
}

export function feed(reader: StreamReader, ...chunks: (string | Uint8Array)[]): void {
  for (const chunk of chunks) reader.feedData(Buffer.from(chunk as string));
}

export function endedReaderOf(...chunks: string[]): StreamReader {
  const reader = readerOf(...chunks);
  reader.feedEof();
  return reader;
}

export async function text(bytes: PromiseLike<Buffer>): Promise<string> {
  return (await bytes).toString('latin1');
}

/** Lets a task begin to wait. */
export async function begins(task: Task): Promise<void> {
  await sleep(0);
  assert.equal(task.done(), false);
}

export async function assertStillWaits(task: Task): Promise<void> {
  for (let pass = 0; pass < 5; pass++) await sleep(0);
  assert.equal(task.done(), false);
}
