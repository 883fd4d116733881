// What readuntil() reads to.
// Floor 1.
import { checkBytes } from './arguments.ts';

type Given = Uint8Array | string | readonly (Uint8Array | string)[];

/** What ends a read: of several the one whose end comes first. @internal */
export class Separators {
  /** The shorter one first: of two that end together it counts. */
  readonly ordered: readonly Buffer[];
  readonly longest: number;

  constructor(separators: readonly Buffer[]) {
    this.ordered = [...separators].sort((a, b) => a.length - b.length);
    this.longest = (this.ordered.at(-1) as Buffer).length;
  }
}

/** @internal */
export const kLineEnd = new Separators([Buffer.from('\n')]);

/** A copy, since the caller's bytes may change meanwhile. */
function prepare(given: Given): Separators {
  const list = Array.isArray(given) ? given : [given as Uint8Array | string];
  // Not by map(), which passes over the holes of an array.
  const separators = Array.from(list, (one) => {
    checkBytes(one, 'separator');
    return typeof one === 'string' ? Buffer.from(one) : Buffer.from(one);
  });
  if (separators.length === 0) {
    throw new RangeError('The argument "separator" must hold at least one separator');
  }
  if (separators.some((one) => one.length === 0)) {
    throw new RangeError('The argument "separator" must be at least one byte long');
  }
  return new Separators(separators);
}

/** The last separator that was given as text: a protocol mostly has one. */
let lastText = '\n';
let lastSeparators = kLineEnd;

/**
 * The separators of a call of readuntil().
 * @throws TypeError, RangeError when there is none, or an empty one
 * @internal
 */
export function separatorsOf(given: Given): Separators {
  if (typeof given !== 'string') return prepare(given);
  if (given !== lastText) {
    lastSeparators = prepare(given);
    lastText = given;
  }
  return lastSeparators;
}
