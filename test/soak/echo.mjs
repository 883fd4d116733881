/** The server of the soak: a request is its length in a line, and that many bytes; so is the answer. */
import { isBroken } from '../support/broken.mjs';

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
