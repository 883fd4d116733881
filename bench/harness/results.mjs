/**
 * What a suite measures: line -> metric -> peer -> one value per round. A round in which a peer was
 * not measured holds NaN, so that values with the same index belong together.
 */
export class Results {
  #lines = new Map();
  failures = [];

  /** `values` maps metrics to numbers. */
  add(line, peer, round, values) {
    for (const [metric, value] of Object.entries(values)) {
      const rounds = this.#rounds(line, metric, peer);
      while (rounds.length < round) rounds.push(Number.NaN);
      rounds[round] = value;
    }
  }

  fail(line, peer, error) {
    this.failures.push({ line, peer, reason: error.message });
  }

  lines() {
    return [...this.#lines.keys()];
  }

  peers(line, metric) {
    const peers = [...(this.#lines.get(line)?.get(metric)?.keys() ?? [])];
    return peers.filter((peer) => this.values(line, metric, peer) !== undefined);
  }

  /** One per round, NaN where it was not measured; undefined if there is none at all. */
  values(line, metric, peer) {
    const rounds = this.#lines.get(line)?.get(metric)?.get(peer);
    return rounds?.some(Number.isFinite) ? rounds : undefined;
  }

  #rounds(line, metric, peer) {
    return entry(entry(entry(this.#lines, line, newMap), metric, newMap), peer, () => []);
  }
}

const newMap = () => new Map();

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}
