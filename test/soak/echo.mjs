/** The server of the soak: a request is its length in a line, and that many bytes; so is the answer. */
import { IncompleteReadError } from 'aionode';

/** Whether an error is the end of a connection that somebody broke on purpose. */
export function isBroken(error) {
  return (
    error instanceof IncompleteReadError ||
    ['ECONNRESET', 'EPIPE', 'ECANCELED', 'ECONNABORTED'].includes(error?.code)
  );
}

export async function echo(reader, writer) {
  try {
    for (;;) {
      const line = await reader.readline();
      if (!line.includes('\n')) return;
      const body = await reader.readexactly(Number(line));
      writer.write(line);
      writer.write(body);
      await writer.drain();
    }
  } catch (error) {
    if (!isBroken(error)) throw error;
  } finally {
    writer.close();
  }
}
