/** The same bytes in chunks of exactly `size` bytes, the last one shorter. A chunk may share memory with what it came from. */
export async function* inChunks(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + size - bytes);
      held.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes < size) continue;
      yield joined(held);
      held = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield joined(held);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}
