// Draws bench/chart.svg from bench/results.json:
//
//   npm run bench -- --json bench/results.json     measures (on a quiet machine)
//   npm run bench:chart                            draws
//   node bench/chart.mjs IN.json OUT.svg           draws something else
//
// Only ratios to a reference in the same round are drawn, since they alone hold from one machine to
// another. What was not measured is left out.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));

/** Colours that stay apart on white and on black, and a shape for who cannot tell them apart. */
const PEERS = {
  aionode: { shape: circle, light: '#0969da', dark: '#4493f8' },
  uvloop: { shape: diamond, light: '#bc4c00', dark: '#f0883e' },
  asyncio: { shape: square, light: '#9a6700', dark: '#d29922' },
  node: { shape: triangle, light: '#1a7f37', dark: '#3fb950' },
};

const PANELS = [
  {
    title: 'CPU time of a TCP server per request',
    better: '← less is better',
    reference: 'libuv',
    referenceLabel: 'C on libuv',
    metric: 'cpu',
    scale: linearScale,
    lines: {
      'echo 1 KiB x 10': 'Echo, streams, 1 KiB',
      'echo 10 KiB x 10': 'Echo, streams, 10 KiB',
      'echo 100 KiB x 10': 'Echo, streams, 100 KiB',
      'protocol 1 KiB x 10': 'Echo, Protocol, 1 KiB',
      'protocol 10 KiB x 10': 'Echo, Protocol, 10 KiB',
      'buffered 10 KiB x 10': 'BufferedProtocol, 10 KiB',
      'buffered 100 KiB x 10': 'BufferedProtocol, 100 KiB',
      'lines 32 pipelined': 'Lines, 32 in one write',
      connect: 'Connect, echo, close',
    },
    peers: { aionode: 'aionode', uvloop: 'uvloop', node: 'Node, net', asyncio: 'asyncio' },
  },
  {
    title: 'Operations per second in one process',
    better: 'more is better →',
    reference: 'uvloop',
    referenceLabel: 'uvloop',
    metric: 'rate',
    scale: logarithmicScale,
    lines: {
      'callSoon chain': 'Call a callback (callSoon)',
      'sleep(0), 1 task': 'Let others run (sleep(0))',
      'create + await, 100k': 'Create and await a task',
      'gather 10k': 'Gather 10,000 tasks',
      'queue, maxsize 1': 'Pass an item by a queue',
      'lock, 100 tasks': 'Pass a lock on',
      'timers, cancel 1M': 'Cancel a timer',
    },
    peers: { aionode: 'aionode', node: 'Node (promises, timers)', asyncio: 'asyncio' },
  },
];

const WIDTH = 880;
const MARGIN = 28;
const LABELS_END = 216;
const PLOT_START = 236;
const PLOT_END = 768;
const ROW = 30;
const MARK = 5.5;

const COLOURS = {
  light: {
    ground: '#ffffff',
    edge: '#d0d7de',
    ink: '#1f2328',
    muted: '#59636e',
    grid: '#d1d9e066',
  },
  dark: { ground: '#0d1117', edge: '#3d444d', ink: '#f0f6fc', muted: '#9198a1', grid: '#3d444d80' },
};

function circle(x, y, className) {
  return `<circle cx="${x}" cy="${y}" r="${MARK + 1.5}" class="${className}"/>`;
}

function polygon(points, className) {
  return `<polygon points="${points.map((point) => point.map((n) => n.toFixed(1))).join(' ')}" class="${className}"/>`;
}

function diamond(x, y, className) {
  const r = MARK + 1;
  return polygon(
    [
      [x - r, y],
      [x, y - r],
      [x + r, y],
      [x, y + r],
    ],
    className,
  );
}

function square(x, y, className) {
  const r = MARK - 1;
  return polygon(
    [
      [x - r, y - r],
      [x + r, y - r],
      [x + r, y + r],
      [x - r, y + r],
    ],
    className,
  );
}

function triangle(x, y, className) {
  const r = MARK;
  return polygon(
    [
      [x - r, y + r * 0.8],
      [x, y - r],
      [x + r, y + r * 0.8],
    ],
    className,
  );
}

const round = (x) => Number(x.toFixed(1));

/** From 0 to the next whole number above what is shown. */
function linearScale(ratios) {
  const end = Math.ceil(Math.max(...ratios) * 1.02);
  const step = Math.ceil(end / 8);
  const ticks = [];
  for (let tick = 0; tick <= end; tick += step) ticks.push(tick);
  return { ticks, at: (ratio) => ratio / end };
}

/** From one power of two to another. */
function logarithmicScale(ratios) {
  const first = Math.floor(Math.log2(Math.min(...ratios) * 0.98));
  const last = Math.ceil(Math.log2(Math.max(...ratios) * 1.02));
  const ticks = [];
  for (let power = first; power <= last; power++) ticks.push(2 ** power);
  return { ticks, at: (ratio) => (Math.log2(ratio) - first) / (last - first) };
}

const number = (ratio) => (ratio < 10 ? ratio.toPrecision(2) : ratio.toFixed(0));
const tickLabel = (tick) => (tick >= 1 || tick === 0 ? String(tick) : `1/${1 / tick}`);

const escapeXml = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const text = (x, y, value, className, anchor = 'start') =>
  `<text x="${round(x)}" y="${round(y)}" class="${className}" text-anchor="${anchor}">${escapeXml(value)}</text>`;
const line = (x1, y1, x2, y2, className) =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${className}"/>`;

/** The rows of a panel that were measured: [{ label, marks: [{ peer, ratio }] }], ours below the others. */
function rowsOf({ lines, peers, metric, reference }, measured) {
  return Object.entries(lines).flatMap(([name, label]) => {
    const found = measured.get(name)?.metrics.find((each) => each.metric === metric);
    if (found?.reference !== reference) return [];
    const marks = Object.keys(peers).flatMap((peer) => {
      const ratio = found.peers[peer]?.ratio?.median;
      return ratio === undefined ? [] : [{ peer, ratio }];
    });
    return marks.length === 0 ? [] : [{ label, marks }];
  });
}

function legend(peers, y) {
  const parts = [];
  let x = PLOT_START;
  for (const [peer, label] of peers) {
    parts.push(PEERS[peer].shape(x, y - 4, peer), text(x + 13, y, label, 'ink small'));
    x += 34 + label.length * 7;
  }
  return parts;
}

function drawRow({ label, marks }, x, y) {
  const positions = marks.map(({ ratio }) => x(ratio));
  const ours = marks.find(({ peer }) => peer === 'aionode');
  return [
    text(LABELS_END, y + 4, label, 'ink', 'end'),
    line(Math.min(...positions), y, Math.max(...positions), y, 'span'),
    ...marks.map(({ peer }, i) => PEERS[peer].shape(round(positions[i]), y, peer)),
    ...(ours === undefined
      ? []
      : [text(WIDTH - MARGIN, y + 4, `${number(ours.ratio)} ×`, 'aionode value', 'end')]),
  ];
}

function drawPanel(panel, rows, top) {
  const shown = Object.entries(panel.peers).filter(([peer]) =>
    rows.some(({ marks }) => marks.some((mark) => mark.peer === peer)),
  );
  const ratios = rows.flatMap(({ marks }) => marks.map(({ ratio }) => ratio));
  const scale = panel.scale([1, ...ratios]);
  const x = (ratio) => PLOT_START + scale.at(ratio) * (PLOT_END - PLOT_START);
  const axis = top + 74;
  const end = axis + 8 + rows.length * ROW;
  const parts = [
    text(MARGIN, top + 16, panel.title, 'ink title'),
    text(WIDTH - MARGIN, top + 16, panel.better, 'muted', 'end'),
    ...legend(shown, top + 44),
    text(WIDTH - MARGIN, axis - 4, 'aionode', 'aionode small', 'end'),
  ];
  for (const tick of scale.ticks.filter((tick) => tick !== 1)) {
    parts.push(
      line(x(tick), axis, x(tick), end, 'grid'),
      text(x(tick), end + 16, tickLabel(tick), 'muted small', 'middle'),
    );
  }
  parts.push(
    line(x(1), axis, x(1), end, 'reference'),
    text(x(1), axis - 6, panel.referenceLabel, 'ink small strong', 'middle'),
    text(x(1), end + 16, '1', 'ink small strong', 'middle'),
  );
  rows.forEach((row, i) => {
    parts.push(...drawRow(row, x, axis + 8 + (i + 0.5) * ROW));
  });
  return { parts, bottom: end + 24 };
}

function styleOf(mode) {
  const { ground, edge, ink, muted, grid } = COLOURS[mode];
  const marks = Object.entries(PEERS).map(([name, peer]) => `.${name} { fill: ${peer[mode]} }`);
  return [
    `.card { fill: ${ground}; stroke: ${edge} }`,
    `.ink { fill: ${ink} } .muted { fill: ${muted} }`,
    `.grid { stroke: ${grid} } .reference { stroke: ${ink} } .span { stroke: ${edge} }`,
    ...marks,
    `circle, polygon { stroke: ${ground} }`,
  ].join('\n');
}

const STYLE = `
text { font-size: 13px }
.title { font-size: 16px; font-weight: 600 }
.small { font-size: 12px }
.strong, .value { font-weight: 600 }
.reference { stroke-width: 1.5 }
.span { stroke-width: 2 }
circle, polygon { stroke-width: 1.5 }
${styleOf('light')}
@media (prefers-color-scheme: dark) {
${styleOf('dark')}
}
`;

export function chartOf({ node, machine, rounds, suites }) {
  const measured = new Map(suites.flatMap(({ lines }) => lines.map((each) => [each.line, each])));
  const parts = [];
  let top = 24;
  for (const panel of PANELS) {
    const rows = rowsOf(panel, measured);
    if (rows.length === 0) continue;
    const drawn = drawPanel(panel, rows, top);
    parts.push(...drawn.parts);
    top = drawn.bottom + 28;
  }
  const source = `Node ${node.replace('v', '')}, ${machine}; median of ${rounds} rounds; what each line measures: bench/README.md`;
  parts.push(text(MARGIN, top, source, 'muted small'));
  const height = top + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif">`,
    `<title>${PANELS.map(({ title }) => title).join('; ')}</title>`,
    `<style>${STYLE}</style>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" class="card"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from = path.join(folder, 'results.json'), to = path.join(folder, 'chart.svg')] =
    process.argv.slice(2);
  writeFileSync(to, chartOf(JSON.parse(readFileSync(from, 'utf8'))));
  console.log(`written: ${path.relative(process.cwd(), to)}`);
}
