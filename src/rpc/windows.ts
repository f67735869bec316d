/** Windows of HTTP/2 flow control (RFC 9113, 5.2), in bytes: how much a peer may send that was not yet read. */
export interface Windows {
  /** For one stream, while there are few. */
  readonly streamWindowBytes: number;
  /** For all streams of a connection together. */
  readonly connectionWindowBytes: number;
}

/** No stream gets less: with smaller windows, every frame would have to be acknowledged. */
export const MIN_WINDOW_BYTES = 16 * 1024;

/**
 * The window with which so many streams stay within that of their connection: the stream window, halved as often as needed.
 * Steps of two keep it from changing with every stream.
 */
export function shrunkWindow(openStreams: number, { streamWindowBytes, connectionWindowBytes }: Windows): number {
  let window = streamWindowBytes;
  while (window > MIN_WINDOW_BYTES && window * openStreams > connectionWindowBytes) window = Math.ceil(window / 2);
  return Math.max(Math.min(window, streamWindowBytes), Math.min(MIN_WINDOW_BYTES, streamWindowBytes));
}

/** The window to go back to when streams have ended: what also twice as many could have, so that few more change nothing. */
export function grownWindow(openStreams: number, windows: Windows): number {
  return shrunkWindow(openStreams * 2, windows);
}
