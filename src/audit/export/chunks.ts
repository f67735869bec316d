/**
 * The same bytes in chunks of at most `size` bytes: a piece that is larger is cut, smaller ones are put together. A chunk may share
 * memory with the piece that it came from, so that large ones are not copied.
 */
export async function* inChunks(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    if (bytes > 0 && bytes + piece.length > size) {
      yield joined(held);
      held = [];
      bytes = 0;
    }
    let rest = piece;
    for (; rest.length > size; rest = rest.subarray(size)) yield rest.subarray(0, size);
    held.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield joined(held);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}
