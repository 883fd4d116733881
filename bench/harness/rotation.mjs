/**
 * Goes round the peers, `rounds` times, so that the figures of one round are neighbours in time:
 * machines change their speed within seconds, and a ratio within a round hardly feels it.
 * The first round warms up and is not counted. A peer that fails leaves the rotation.
 *
 * `measure(peer, subject)` returns line -> metric -> value.
 */
export async function rotate({ rounds, warmUp = true, subjects, line, results, measure }) {
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    for (const [peer, subject] of subjects) {
      try {
        const lines = await measure(peer, subject);
        if (round < 0) continue;
        for (const [name, values] of Object.entries(lines)) results.add(name, peer, round, values);
      } catch (error) {
        results.fail(line, peer, error);
        subjects.delete(peer);
      }
    }
  }
}

/** Starts something for every peer; the peers that fail at that are reported and left out. */
export async function startAll(commands, line, results, start) {
  const subjects = new Map();
  for (const [peer, command] of commands) {
    try {
      const subject = await start(command, peer);
      if (subject !== null) subjects.set(peer, subject);
    } catch (error) {
      results.fail(line, peer, error);
    }
  }
  return subjects;
}
