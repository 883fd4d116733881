// A first in, first out store: a ring that grows, and shrinks again after a burst.
// Floor 0: imports nothing of ours.

const kLeastCapacity = 16;

/** @internal */
export class Ring<T> {
  /** How many items it holds. */
  size = 0;
  private slots: (T | undefined)[] = new Array(kLeastCapacity).fill(undefined);
  private head = 0;
  private mask = kLeastCapacity - 1;

  push(item: T): void {
    if (this.size > this.mask) this.resize(this.size * 2);
    this.slots[(this.head + this.size) & this.mask] = item;
    this.size += 1;
  }

  /** Takes the oldest item. The ring may not be empty. */
  take(): T {
    const head = this.head;
    const item = this.slots[head] as T;
    this.slots[head] = undefined;
    this.head = (head + 1) & this.mask;
    this.size -= 1;
    // At a quarter, so that a size that goes up and down by one does not resize each time.
    if (this.size < this.mask >> 2 && this.mask >= kLeastCapacity) {
      this.resize((this.mask + 1) >> 1);
    }
    return item;
  }

  clear(): void {
    this.size = 0;
    this.resize(kLeastCapacity);
  }

  private resize(capacity: number): void {
    const slots = new Array<T | undefined>(capacity).fill(undefined);
    for (let i = 0; i < this.size; i++) slots[i] = this.slots[(this.head + i) & this.mask];
    this.slots = slots;
    this.head = 0;
    this.mask = capacity - 1;
  }
}
