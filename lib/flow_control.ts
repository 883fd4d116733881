// Flow control of what can be written to: asyncio's _FlowControlMixin.
// Floor 1.
import { checkInteger } from './arguments.ts';

/** asyncio's default water marks, in bytes (transports: 64 KiB, a quarter of it). */
const kHighWater = 64 * 1024;

/** What a transport calls when its write buffer crosses a water mark. @internal */
export type FlowCall = 'pauseWriting' | 'resumeWriting';

/** @internal */
export abstract class FlowControl {
  protected highWater: number = kHighWater;
  protected lowWater: number = kHighWater / 4;
  protected writingPaused = false;

  /** The water marks, in bytes. */
  getWriteBufferLimits(): [low: number, high: number] {
    return [this.lowWater, this.highWater];
  }

  /**
   * Sets the water marks: above `high` bytes the protocol is paused, at `low` it is resumed.
   * @param limits - `high`: 64 KiB by default, or four times `low`; `low`: a quarter of `high`; in bytes
   * @throws RangeError unless 0 <= low <= high
   */
  setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    const { low: lowGiven, high: highGiven } = limits;
    const high = highGiven ?? (lowGiven === undefined ? kHighWater : lowGiven * 4);
    checkInteger(high, 'high', 0);
    const low = lowGiven ?? Math.floor(high / 4);
    checkInteger(low, 'low', 0, high);
    this.highWater = high;
    this.lowWater = low;
    this.applyWaterMarks();
  }

  /** Bytes written and not yet taken by the system. */
  abstract getWriteBufferSize(): number;

  protected abstract tellWriting(call: FlowCall): void;

  /** Whether `size` bytes in the buffer call for a pause or a resumption. */
  protected crossesWaterMark(size: number): boolean {
    return this.writingPaused ? size <= this.lowWater : size > this.highWater;
  }

  /** To be called when the buffer has grown or shrunk. */
  protected applyWaterMarks(size: number = this.getWriteBufferSize()): void {
    if (!this.crossesWaterMark(size)) return;
    this.writingPaused = !this.writingPaused;
    this.tellWriting(this.writingPaused ? 'pauseWriting' : 'resumeWriting');
  }
}
