/** Something that is read by plain HTTP, whole. */
export interface Resource {
  readonly body: Uint8Array;
  /** Media type, for `Content-Type`. */
  readonly contentType: string;
  /** How long whoever keeps it may use it, for `Cache-Control`. */
  readonly cacheControl: string;
}

/** What is served by plain HTTP (GET and HEAD) below a path, beside the calls. It knows nothing of versions of HTTP. */
export interface Resources {
  /** The one path that it stands for, or, where it ends in `/`, all that begin so. */
  readonly path: string;
  /**
   * Reads what stands at a path (without query); undefined: there is nothing (404). A Fault becomes the status that fits it:
   * `unavailable` and `exhausted` 503 with Retry-After.
   */
  read(path: string, signal: AbortSignal): Promise<Resource | undefined>;
}
