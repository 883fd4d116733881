// Counts what is written to a transport that has ended, and warns once.
// Floor 0: imports nothing of ours.

/** Writes before the warning (constants: LOG_THRESHOLD_FOR_CONNLOST_WRITES). */
const kWritesBeforeWarning = 5;

/** @internal */
export class LostWrites {
  private count = 0;

  /** @param warning - what is warned of, and what to do */
  note(warning: string): void {
    this.count += 1;
    if (this.count !== kWritesBeforeWarning) return;
    process.emitWarning(warning, { type: 'AionodeWarning', code: 'AIONODE_LOST_WRITE' });
  }
}
