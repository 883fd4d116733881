/** Random numbers from a seed, so that a run can be repeated. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  /** Numbers of their own for each `part` of each seed, also where seeds follow each other. */
  static for(seed, part) {
    const random = new Random(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b));
    for (let i = 0; i < 4; i++) random.integer(2);
    return random;
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
