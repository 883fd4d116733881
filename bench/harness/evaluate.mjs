import { ratioSummary, summary } from './stats.mjs';

/** What was measured, worked out: plain data, which the tables show and --json writes. */
export function evaluate(suite, results, goals) {
  const lines = results.lines().map((line) => ({
    line,
    metrics: Object.keys(suite.metrics).map((metric) => {
      const values = (peer) => results.values(line, metric, peer);
      const reference = suite.references.find((peer) => values(peer) !== undefined);
      const peers = {};
      for (const peer of results.peers(line, metric)) {
        const ratio =
          reference === undefined ? null : ratioSummary(values(peer), values(reference));
        const finite = values(peer).filter(Number.isFinite);
        peers[peer] = { ratio, absolute: summary(finite), rounds: finite };
      }
      const ofThis = goals.filter((goal) => goal.line === line && goal.metric === metric);
      return { metric, reference, peers, goals: ofThis.map((goal) => judge(goal, values)) };
    }),
  }));
  return { suite: suite.name, title: suite.title, metrics: suite.metrics, lines };
}

function judge(goal, values) {
  const peer = goal.peer ?? 'aionode';
  const own = values(peer);
  const reference = goal.reference === undefined ? undefined : values(goal.reference);
  const canJudge = own !== undefined && (goal.reference === undefined || reference !== undefined);
  let measured = null;
  if (canJudge) {
    measured =
      reference === undefined ? summary(own.filter(Number.isFinite)) : ratioSummary(own, reference);
  }
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = goal;
  const isMet = measured === null ? null : measured.median <= atMost && measured.median >= atLeast;
  return { ...goal, peer, measured, isMet };
}
