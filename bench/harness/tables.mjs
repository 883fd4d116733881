const PEER_ORDER = ['libuv', 'aionode', 'node', 'node+aionode', 'uvloop', 'asyncio'];

/** Ratios first: they hold from run to run. Then the absolute figures, which do not. */
export function formatSuite({ suite, title, metrics, lines }) {
  if (lines.length === 0) return [`## ${suite}: nothing measured`];
  const parts = [`## ${suite}: ${title}`];
  for (const [name, metric] of Object.entries(metrics)) parts.push(ratios(name, metric, lines));
  for (const [name, metric] of Object.entries(metrics)) parts.push(absolutes(name, metric, lines));
  return parts.filter((part) => part !== null);
}

function select(name, lines) {
  return lines
    .map(({ line, metrics }) => ({ line, ...metrics.find((each) => each.metric === name) }))
    .filter(({ peers }) => Object.keys(peers).length > 0);
}

const peersOf = (rows) => PEER_ORDER.filter((peer) => rows.some((row) => peer in row.peers));

function ratios(name, { label, better }, lines) {
  const rows = select(name, lines);
  if (rows.length === 0) return null;
  const peers = peersOf(rows);
  const body = rows.map(({ line, reference, peers: measured, goals }) => [
    line,
    ...peers.map((peer) => ratioCell(measured[peer], peer === reference)),
    goals.map(goalCell).join('; '),
  ]);
  const references = [...new Set(rows.map((row) => row.reference))].join(' or ');
  return [
    `${label}: ratio to ${references} in the same round, median (min..max); ${better} is better`,
    ...table(['', ...peers, rows.some((row) => row.goals.length > 0) ? 'goal' : ''], body),
  ].join('\n');
}

function absolutes(name, { label, unit }, lines) {
  const rows = select(name, lines);
  if (rows.length === 0) return null;
  const peers = peersOf(rows);
  const body = rows.map(({ line, peers: measured }) => [
    line,
    ...peers.map((peer) => absoluteCell(measured[peer])),
  ]);
  return [`${label}: ${unit}, median (min..max)`, ...table(['', ...peers], body)].join('\n');
}

function ratioCell(measured, isReference) {
  if (isReference) return '1';
  if (!measured?.ratio) return '-';
  return range(measured.ratio);
}

const absoluteCell = (measured) => (measured === undefined ? '-' : range(measured.absolute));

const range = ({ median, min, max }) =>
  min === max ? digits(median) : `${digits(median)} (${digits(min)}..${digits(max)})`;

function goalCell({ atMost, atLeast, reference, peer, measured, isMet }) {
  const bound = atMost === undefined ? `>= ${digits(atLeast)}` : `<= ${digits(atMost)}`;
  const against = reference === undefined ? '' : ` x ${reference}`;
  const of = peer === 'aionode' ? '' : `${peer} `;
  if (measured === null) return `${of}${bound}${against}`;
  return `${of}${bound}${against}: ${digits(measured.median)} ${isMet ? 'met' : 'missed'}`;
}

function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

function table(head, body) {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map((row) => row[column].length)),
  );
  const format = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  return [head, ...body].map((row) => `  ${format(row)}`);
}
