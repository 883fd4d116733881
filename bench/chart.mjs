// Draws bench/chart.svg from bench/results.json:
//
//   npm run bench -- --json bench/results.json     measures (on a quiet machine)
//   npm run bench:chart                            draws
//
// Only ratios to a reference in the same round are drawn, since they alone hold from one machine to
// another. What was not measured is left out.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));

/** Names and colours that stay apart for the colour-blind; what is ours stands out. */
const PEERS = {
  aionode: { label: 'aionode', color: '#1f6feb' },
  libuv: { label: 'C on libuv', color: '#57606a' },
  uvloop: { label: 'uvloop', color: '#bf8700' },
  asyncio: { label: 'asyncio', color: '#d4a72c' },
  node: { label: 'Node', color: '#2da44e' },
};

const PANELS = [
  {
    title: 'TCP echo: CPU time of the server per request (shorter is better)',
    unit: 'C on libuv = 1',
    reference: 'libuv',
    metric: 'cpu',
    lines: {
      'echo 1 KiB x 10': '1 KiB',
      'echo 10 KiB x 10': '10 KiB',
      'echo 100 KiB x 10': '100 KiB',
      connect: 'connect, echo, close',
    },
    peers: ['libuv', 'aionode', 'uvloop', 'asyncio', 'node'],
  },
  {
    title: 'In one process: operations per second (longer is better)',
    unit: 'uvloop = 1',
    reference: 'uvloop',
    metric: 'rate',
    lines: {
      'callSoon chain': 'callSoon',
      'sleep(0), 1 task': 'sleep(0)',
      'create + await, 100k': 'create and await a task',
      'gather 10k': 'gather of 10,000',
      'queue, maxsize 1': 'queue of one item',
      'lock, 100 tasks': 'lock between 100 tasks',
    },
    peers: ['uvloop', 'aionode', 'asyncio'],
  },
];

const WIDTH = 860;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 80;
const BAR = 12;
const BAR_GAP = 2;
const GROUP_GAP = 14;

const escapeXml = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const text = (x, y, value, more = '') =>
  `<text x="${x}" y="${y}"${more}>${escapeXml(value)}</text>`;

/** The rows of a panel that were measured: [{ label, bars: [{ peer, ratio }] }]. */
function rowsOf({ lines, peers, metric, reference }, measured) {
  return Object.entries(lines).flatMap(([line, label]) => {
    const found = measured.get(line)?.metrics.find((each) => each.metric === metric);
    if (found?.reference !== reference) return [];
    const bars = peers.flatMap((peer) => {
      const ratio = peer === reference ? 1 : found.peers[peer]?.ratio?.median;
      return ratio === undefined ? [] : [{ peer, ratio }];
    });
    return [{ label, bars }];
  });
}

function drawPanel(panel, rows, top) {
  const parts = [text(0, top + 14, `${panel.title}; ${panel.unit}`, ' class="title"')];
  const largest = Math.max(...rows.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / largest;
  let y = top + 32;
  for (const { label, bars } of rows) {
    const middle = y + (bars.length * (BAR + BAR_GAP)) / 2 + 4;
    parts.push(text(LABEL_WIDTH - 10, middle, label, ' text-anchor="end"'));
    for (const { peer, ratio } of bars) {
      const width = Math.max(1, ratio * scale).toFixed(1);
      const { color, label: name } = PEERS[peer];
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" fill="${color}"/>`,
        text(
          LABEL_WIDTH + Number(width) + 5,
          y + BAR - 2,
          `${ratio.toFixed(2)} ${name}`,
          ' class="value"',
        ),
      );
      y += BAR + BAR_GAP;
    }
    y += GROUP_GAP;
  }
  return { parts, bottom: y };
}

export function chartOf({ node, machine, rounds, suites }) {
  const measured = new Map(suites.flatMap(({ lines }) => lines.map((line) => [line.line, line])));
  const parts = [];
  let top = 8;
  for (const panel of PANELS) {
    const rows = rowsOf(panel, measured);
    if (rows.length === 0) continue;
    const drawn = drawPanel(panel, rows, top);
    parts.push(...drawn.parts);
    top = drawn.bottom + 10;
  }
  parts.push(
    text(0, top + 4, `Node ${node}, ${machine}, medians of ${rounds} rounds`, ' class="value"'),
  );
  const height = top + 18;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-14 0 ${WIDTH + 28} ${height}" font-family="sans-serif" font-size="12">`,
    '<style>text { fill: #24292f } .title { font-weight: bold; font-size: 13px } .value { font-size: 10px; fill: #57606a }</style>',
    `<rect x="-14" width="${WIDTH + 28}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const results = JSON.parse(readFileSync(path.join(folder, 'results.json'), 'utf8'));
writeFileSync(path.join(folder, 'chart.svg'), chartOf(results));
console.log('written: bench/chart.svg');
