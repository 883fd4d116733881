// @ts-check
/** The work itself: prime factors of whole numbers, as text. */
export const SMALLEST = 2;
export const LARGEST = 1_000_000_000;

/** @param {number} number */
function primeFactors(number) {
  const factors = [];
  let rest = number;
  for (let factor = 2; factor * factor <= rest; factor++) {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  }
  if (rest > 1) factors.push(rest);
  return factors;
}

/** @param {number} number */
export function factorLine(number) {
  return `${number} = ${primeFactors(number).join(' ')}`;
}

/**
 * Whether a line answers the question for a number: the factors multiply to it.
 *
 * @param {string} line
 * @param {number} number
 */
export function isAnswer(line, number) {
  const [left, right] = line.split(' = ');
  const product = (right ?? '').split(' ').reduce((result, factor) => result * Number(factor), 1);
  return left === String(number) && product === number;
}
