// StreamReader.pipeTo(): everything that a reader gets to a writer, at the writer's pace.
// Floor 8.
//
// Between two connections of ours the system moves the bytes (splicing.ts). Else, and for what is buffered
// already, they are read and written in chunks.
import { checkFlag, checkInteger, checkOptions, invalidArgType } from './arguments.ts';
import { type SpliceFlow, type SpliceOutcome, type SpliceSource, splice } from './splicing.ts';
import type { Bytes } from './types.ts';

/** What a StreamReader can be piped to: a StreamWriter, or what has these four methods of one. @public */
export interface PipeTarget {
  /** Takes `data`, which is its for good. */
  write(data: Uint8Array): void;
  /** Waits until it can take more. */
  drain(): PromiseLike<unknown>;
  /** Whether writeEof() can be called. */
  canWriteEof(): boolean;
  /** Nothing more will be written. */
  writeEof(): void;
}

/** Options of StreamReader.pipeTo(). @public */
export interface PipeOptions {
  /** How many bytes to move at most; by default all that come. */
  count?: number | undefined;
  /** Whether writeEof() follows the end of the reader, where the writer can; true by default. */
  end?: boolean | undefined;
}

/** What piping needs of a StreamReader. @internal */
export interface PipeSource extends SpliceSource {
  read(n: number): PromiseLike<Bytes>;
}

/** What a StreamWriter has beside the methods of a PipeTarget. */
interface WriterParts {
  readonly transport?: unknown;
  readonly protocol?: SpliceFlow;
}

/** Read and written at once: asyncio's limit of a stream, in bytes. */
const kChunkBytes = 64 * 1024;
const kNothing = new Uint8Array(0);

function checkTarget(writer: unknown): void {
  const { write, drain, canWriteEof, writeEof } = (writer ?? {}) as Partial<PipeTarget>;
  if ([write, drain, canWriteEof, writeEof].some((method) => typeof method !== 'function')) {
    throw invalidArgType('writer', 'an instance of StreamWriter', writer);
  }
}

async function spliceTo(
  reader: PipeSource,
  writer: PipeTarget,
  count: number,
): Promise<SpliceOutcome> {
  const { transport, protocol } = writer as WriterParts;
  if (protocol === undefined) return { moved: 0, works: false };
  const outcome = await splice(reader, transport, protocol, count);
  await writer.drain();
  return outcome;
}

/** StreamReader.pipeTo(), as its docstring says. @internal */
export async function pipe(
  reader: PipeSource,
  writer: PipeTarget,
  options: PipeOptions = {},
): Promise<number> {
  checkTarget(writer);
  checkOptions(options);
  const { count = Number.POSITIVE_INFINITY, end = true } = options;
  if (options.count !== undefined) checkInteger(count, 'options.count', 0);
  checkFlag(end, 'options.end');
  let moved = 0;
  let splices = true;
  while (moved < count) {
    // Nothing is taken for a writer that takes no more.
    writer.write(kNothing);
    if (splices) {
      const outcome = await spliceTo(reader, writer, count - moved);
      moved += outcome.moved;
      splices = outcome.works;
      if (outcome.moved > 0) continue;
    }
    const chunk = await reader.read(Math.min(kChunkBytes, count - moved));
    if (chunk.length === 0) {
      if (end && writer.canWriteEof()) writer.writeEof();
      break;
    }
    writer.write(chunk);
    moved += chunk.length;
    await writer.drain();
  }
  return moved;
}
