// Flow control of what can be written to: asyncio's _FlowControlMixin.
// Floor 1.
import { checkInteger, checkOptions } from './arguments.ts';

/** asyncio's default water marks, in bytes (transports: 64 KiB, a quarter of it). */
const kHighWater = 64 * 1024;

/** The method of the protocol that is called when a water mark is crossed. @internal */
export type FlowCall = 'pauseWriting' | 'resumeWriting';

/** @internal */
export abstract class FlowControl {
  protected high: number = this.defaultHigh;
  protected low: number = this.defaultHigh / 4;
  private writingPaused = false;

  protected get defaultHigh(): number {
    return kHighWater;
  }

  /** What the water marks are compared with, in bytes. */
  protected abstract bufferedForMarks(): number;

  protected abstract tellWriting(call: FlowCall): void;

  /** The water marks, in bytes. */
  getWriteBufferLimits(): [low: number, high: number] {
    return [this.low, this.high];
  }

  /**
   * Sets the water marks: above `high` bytes the protocol is paused, at `low` it is resumed. What is
   * buffered beyond a new `high` pauses it at once; a resume waits until something was sent, as in asyncio.
   * @param limits - `high`: 64 KiB by default (over TLS 512 KiB), or four times `low`; `low`: a quarter of `high`; in bytes
   * @throws RangeError unless 0 <= low <= high
   */
  setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    checkOptions(limits, 'limits');
    const { low: lowGiven, high: highGiven } = limits;
    const high = highGiven ?? (lowGiven === undefined ? this.defaultHigh : lowGiven * 4);
    checkInteger(high, 'high', 0);
    const low = lowGiven ?? Math.floor(high / 4);
    checkInteger(low, 'low', 0, high);
    this.high = high;
    this.low = low;
    if (!this.writingPaused) this.applyWaterMarks(this.bufferedForMarks());
  }

  /** Whether `size` bytes that wait to be sent call for a pause, or for its end. */
  protected crossesWaterMark(size: number): boolean {
    return this.writingPaused ? size <= this.low : size > this.high;
  }

  /** Pauses or resumes the protocol's writing: `size` bytes wait to be sent. */
  protected applyWaterMarks(size: number): void {
    if (!this.crossesWaterMark(size)) return;
    this.writingPaused = !this.writingPaused;
    this.tellWriting(this.writingPaused ? 'pauseWriting' : 'resumeWriting');
  }
}
