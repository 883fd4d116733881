// Where an operation was called: for the stack of the error that it fails with.
// Floor 2.
//
// Such an error is made when the system answers, or when the operation is awaited. Nothing of the caller's is on the
// stack then, and V8 knows of no await that it belongs to: its stack would show frames of ours only.
import { types } from 'node:util';
import { userFrames } from './debug.ts';

/** @internal */
export class CallStack {
  declare private readonly stack: string;

  constructor() {
    // Written out by V8 when it is read, and not before.
    Error.captureStackTrace(this, CallStack);
  }

  /** Gives an error that shows nothing of the user's the frames of the call, if it can take them. */
  addTo(error: unknown): void {
    if (!types.isNativeError(error)) return;
    try {
      const stack = String(error.stack);
      if (userFrames(stack).length > 0) return;
      const frames = userFrames(String(this.stack));
      if (frames.length === 0) return;
      const [header] = stack.split(/\n +at /, 1);
      error.stack = [header, ...frames].join('\n    at ');
    } catch {
      // An error, or an Error.prepareStackTrace, of the program's own kind.
    }
  }
}
