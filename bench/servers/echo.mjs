/** The handler of a client whose bytes come back, for streams of aionode. */
export async function echo(reader, writer) {
  while (true) {
    const data = await reader.read(262_144);
    if (data.length === 0) break;
    writer.write(data);
    await writer.drain();
  }
  writer.close();
}
