/** The one line of a program's error output that says what went wrong. */
export function reasonOf(stderr) {
  const lines = stderr.split('\n').map((line) => line.trim());
  const named = lines.filter((line) => /^\S*(Error|Exception)\b/.test(line));
  return named.at(-1) ?? lines.find((line) => line !== '') ?? '';
}
