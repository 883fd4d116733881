export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summary(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Of the ratios to the reference in the same round; null where no round has both. */
export function ratioSummary(values, reference) {
  const ratios = values
    .map((value, round) => value / reference[round])
    .filter((ratio) => Number.isFinite(ratio));
  return ratios.length === 0 ? null : summary(ratios);
}
