/** Random numbers from a seed, so that a run can be repeated. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer, 0 or more and less than `below`. */
  integer(below) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  /** True `perMille` times out of a thousand. */
  chance(perMille) {
    return this.integer(1000) < perMille;
  }

  pick(list) {
    return list[this.integer(list.length)];
  }
}
