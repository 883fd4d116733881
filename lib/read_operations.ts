// The reads of a StreamReader.
// Floor 8.
//
// Each is an InlineCoroutine: it takes its bytes in the step of the task that awaits it, so a cancelled
// read has taken nothing.
import { IncompleteReadError, LimitOverrunError } from './exceptions.ts';
import { addInlineAwait, InlineCoroutine } from './inline.ts';
import { kLineEnd, type Separators } from './separators.ts';
import type { Bytes } from './types.ts';

/** An error, or whatever else is thrown. @internal */
export interface Thrown {
  readonly error: unknown;
}

/** Who waits for bytes. @internal */
export interface ReadWaiter {
  readonly method: string;
  /** Whether what is buffered is enough for it. */
  isReady(): boolean;
  /** Wakes it: there are more bytes, or no more will come. */
  resume(): void;
  /** Wakes it with an error. */
  refuse(thrown: Thrown): void;
}

/** What a read needs of its StreamReader. @internal */
export interface ReadSource {
  /** Bytes that are here, and bytes that were ever taken. */
  readonly buffered: number;
  readonly taken: number;
  /** No more bytes will come. */
  readonly ended: boolean;
  /** Thrown once the buffered bytes cannot satisfy a read. */
  readonly failure: Thrown | undefined;
  /** Thrown by every read, whatever is buffered. */
  blockingException(): Thrown | undefined;
  wait(operation: ReadWaiter): Error | undefined;
  stopWaiting(operation: ReadWaiter): void;
  maybeResume(): void;
  find(separator: Buffer, from: number): number;
  copyFirst(count: number): Bytes;
  takeSome(most: number): Bytes;
  takeExactly(count: number): Bytes;
  drop(count: number): void;
}

/** One read under way. */
abstract class ReadOperation extends InlineCoroutine<Bytes> implements ReadWaiter {
  protected readonly reader: ReadSource;
  /** As in asyncio, an error that is set later concerns it only if it is what wakes it. */
  private waited = false;
  private thrown: Thrown | undefined = undefined;

  constructor(reader: ReadSource) {
    super();
    this.reader = reader;
  }

  abstract get method(): string;

  /** Whether the operation would complete or fail now. */
  abstract isReady(): boolean;

  /** Completes or fails; called when isReady(). */
  protected abstract take(): void;

  refuse(thrown: Thrown): void {
    this.thrown = thrown;
    this.resume();
  }

  protected override proceed(): void {
    const reader = this.reader;
    const thrown = this.waited ? this.thrown : reader.blockingException();
    if (thrown !== undefined) {
      this.fail(thrown.error);
    } else if (this.isReady()) {
      this.take();
      reader.maybeResume();
    } else {
      this.wait(reader);
    }
  }

  private wait(reader: ReadSource): void {
    const failure = reader.failure ?? reader.blockingException();
    if (failure !== undefined) {
      this.fail(failure.error);
      return;
    }
    this.waited = true;
    const refusal = reader.wait(this);
    if (refusal !== undefined) this.fail(refusal);
  }

  protected override abandon(): void {
    this.reader.stopWaiting(this);
  }

  protected override forget(): boolean {
    this.reader.stopWaiting(this);
    this.waited = false;
    return true;
  }
}

/** @internal */
export class ReadSome extends ReadOperation {
  private readonly most: number;

  constructor(reader: ReadSource, most: number) {
    super(reader);
    this.most = most;
  }

  get method(): string {
    return 'read';
  }

  isReady(): boolean {
    return this.most === 0 || this.reader.buffered > 0 || this.reader.ended;
  }

  protected take(): void {
    this.complete(this.reader.takeSome(this.most));
  }
}
addInlineAwait(ReadSome);

/** @internal */
export class ReadAll extends ReadOperation {
  get method(): string {
    return 'read';
  }

  isReady(): boolean {
    return this.reader.ended;
  }

  protected take(): void {
    this.complete(this.reader.takeExactly(this.reader.buffered));
  }
}
addInlineAwait(ReadAll);

/** Waits for a number of bytes. */
abstract class ReadCount extends ReadOperation {
  protected readonly count: number;

  constructor(reader: ReadSource, count: number) {
    super(reader);
    this.count = count;
  }

  isReady(): boolean {
    return this.reader.buffered >= this.count || this.reader.ended;
  }
}

/** @internal */
export class ReadExactly extends ReadCount {
  get method(): string {
    return 'readexactly';
  }

  protected take(): void {
    const reader = this.reader;
    if (reader.buffered >= this.count) {
      this.complete(reader.takeExactly(this.count));
    } else {
      this.fail(new IncompleteReadError(reader.takeExactly(reader.buffered), this.count));
    }
  }
}
addInlineAwait(ReadExactly);

/** @internal */
export class Peek extends ReadCount {
  get method(): string {
    return 'peek';
  }

  protected take(): void {
    this.complete(this.reader.copyFirst(Math.min(this.count, this.reader.buffered)));
  }
}
addInlineAwait(Peek);

/** @internal */
export class ReadUntil extends ReadOperation {
  private readonly separators: Separators;
  private readonly limit: number;
  /** What the reader had taken when the search began: another read may take bytes meanwhile. */
  private taken: number;
  /** Bytes at the start of the buffer in which no separator ends. */
  private searched = 0;
  /** Start of the separator and end of the match; -1 when none is known. */
  private matchStart = -1;
  protected matchEnd = -1;

  constructor(reader: ReadSource, separators: Separators, limit: number) {
    super(reader);
    this.separators = separators;
    this.limit = limit;
    this.taken = reader.taken;
  }

  get method(): string {
    return 'readuntil';
  }

  isReady(): boolean {
    this.search();
    return this.matchEnd >= 0 || this.searched > this.limit || this.reader.ended;
  }

  private search(): void {
    const reader = this.reader;
    if (this.taken !== reader.taken) {
      this.taken = reader.taken;
      this.searched = 0;
      this.matchStart = this.matchEnd = -1;
    }
    if (this.matchEnd >= 0 || reader.buffered <= this.searched) return;
    for (const separator of this.separators.ordered) {
      const start = reader.find(separator, Math.max(0, this.searched + 1 - separator.length));
      if (start < 0) continue;
      const end = start + separator.length;
      if (this.matchEnd < 0 || end < this.matchEnd) {
        this.matchStart = start;
        this.matchEnd = end;
      }
    }
    if (this.matchEnd < 0) {
      this.searched = Math.max(0, reader.buffered + 1 - this.separators.longest);
    }
  }

  protected take(): void {
    const reader = this.reader;
    if (this.matchEnd >= 0) {
      if (this.matchStart > this.limit) {
        this.overrun('Separator is found, but chunk is longer than limit', this.matchStart);
      } else {
        this.complete(reader.takeExactly(this.matchEnd));
      }
    } else if (this.searched > this.limit) {
      this.overrun('Separator is not found, and chunk exceed the limit', this.searched);
    } else {
      this.endsWith(reader.takeExactly(reader.buffered));
    }
  }

  /** The stream ends before a separator came. */
  protected endsWith(partial: Bytes): void {
    this.fail(new IncompleteReadError(partial, null));
  }

  protected overrun(message: string, consumed: number): void {
    this.fail(new LimitOverrunError(message, consumed));
  }
}
addInlineAwait(ReadUntil);

/** @internal */
export class ReadLine extends ReadUntil {
  constructor(reader: ReadSource, limit: number) {
    super(reader, kLineEnd, limit);
  }

  override get method(): string {
    return 'readline';
  }

  protected override endsWith(partial: Bytes): void {
    this.complete(partial);
  }

  /** The line is dropped, as asyncio does: up to its end if that is known, else all there is. */
  protected override overrun(message: string): void {
    const reader = this.reader;
    reader.drop(this.matchEnd >= 0 ? this.matchEnd : reader.buffered);
    this.fail(Object.assign(new RangeError(message), { code: 'ERR_LINE_TOO_LONG' }));
  }
}
addInlineAwait(ReadLine);
