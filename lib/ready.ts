// What a ready queue holds.
// Floor 0: imports nothing of ours.

/** Something that a turn runs: a callback, a task's first step, the end of an await. @internal */
export interface ReadyEntry {
  run(): void;
}
