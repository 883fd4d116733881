// What a ready queue holds.
// Floor 0: imports nothing of ours.

/** Something that a turn runs: a callback, a task's first step, the end of an await. @internal */
export interface ReadyEntry {
  run(): void;
}

/** A function as an entry. @internal */
export class ReadyCall implements ReadyEntry {
  private readonly call: () => void;

  constructor(call: () => void) {
    this.call = call;
  }

  run(): void {
    this.call();
  }
}
