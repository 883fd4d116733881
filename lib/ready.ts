// The queue of entries that are ready to run: a ring that grows, first in first out.
// Floor 2.
//
// It lives in JavaScript because its entries do: pushing and taking one crosses no boundary.

/** Something that a turn runs: a callback, a task's first step, the end of an await. @internal */
export interface ReadyEntry {
  run(): void;
}

const kInitialCapacity = 64;

/** @internal */
export class ReadyQueue {
  /** How many entries wait. */
  size = 0;
  private ring: (ReadyEntry | undefined)[] = new Array(kInitialCapacity).fill(undefined);
  private head = 0;
  private mask = kInitialCapacity - 1;

  push(entry: ReadyEntry): void {
    if (this.size > this.mask) this.grow();
    this.ring[(this.head + this.size) & this.mask] = entry;
    this.size += 1;
  }

  /** The queue may not be empty. */
  shift(): ReadyEntry {
    const head = this.head;
    const entry = this.ring[head] as ReadyEntry;
    this.ring[head] = undefined;
    this.head = (head + 1) & this.mask;
    this.size -= 1;
    return entry;
  }

  clear(): void {
    this.ring = new Array(kInitialCapacity).fill(undefined);
    this.head = 0;
    this.mask = kInitialCapacity - 1;
    this.size = 0;
  }

  /** The waiting entries, oldest first. */
  *entries(): Generator<ReadyEntry> {
    for (let i = 0; i < this.size; i++) {
      yield this.ring[(this.head + i) & this.mask] as ReadyEntry;
    }
  }

  private grow(): void {
    const old = this.ring;
    const ring = new Array<ReadyEntry | undefined>(old.length * 2).fill(undefined);
    for (let i = 0; i < this.size; i++) ring[i] = old[(this.head + i) & this.mask];
    this.ring = ring;
    this.head = 0;
    this.mask = ring.length - 1;
  }
}
