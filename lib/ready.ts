// What a ready queue holds.
// Floor 0: imports nothing of ours.

/** Something that a turn runs: a callback, a task's first step, the end of an await. @internal */
export interface ReadyEntry {
  run(): void;
}

/** An entry that calls something of the user's. @internal */
export interface CallingEntry extends ReadyEntry {
  /** What it calls, as it stands in reports after the word callback. */
  readonly calls: string | undefined;
}

/** A function as an entry. @internal */
export class ReadyCall implements CallingEntry {
  private readonly call: () => void;
  readonly calls: string | undefined;

  /** @param method - the method of the user's that it calls */
  constructor(call: () => void, method?: string) {
    this.call = call;
    this.calls = method === undefined ? undefined : `${method}()`;
  }

  run(): void {
    this.call();
  }
}
