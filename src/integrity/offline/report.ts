/** A key whose signature was checked and holds. */
export interface CheckedKey {
  /** As C2SP signed-note writes it: `name+key id+base64`. */
  readonly verifierKey: string;
  /** Its name: for a log's own keys the origin, with `/cosigner` or `/export`. */
  readonly name: string;
  /** What it signs as; `witness` for a cosigner that is not the log's own. */
  readonly purpose: "log" | "cosigner" | "export" | "witness";
  /** Whether whoever verifies gave it. A key that was only found in the bundle shows that it belongs together, and no more. */
  readonly given: boolean;
  /** When a cosigner signed, in seconds since 1970. */
  readonly cosignedAt?: number;
}

/** The checkpoint that everything is proven against. */
export interface CheckedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Root of the Merkle tree, in hex. */
  readonly root: string;
  /** Whose signatures hold. */
  readonly keys: readonly CheckedKey[];
  /** Names of keys whose signatures stand on it and could not be checked: their keys are not known. */
  readonly unchecked: readonly string[];
}

/** What a bundle was found to prove. */
export interface BundleReport {
  readonly kind: "bundle";
  /** Whether a key that was given signed the checkpoint or the manifest; otherwise the bundle is consistent in itself. */
  readonly vouched: boolean;
  readonly checkpoint: CheckedCheckpoint;
  /** Whose signatures on the manifest hold. */
  readonly manifestKeys: readonly CheckedKey[];
  readonly exportId: string;
  /** When the export says that it was made, in RFC 3339. */
  readonly created: string;
  /** The filter of the export, as its request wrote it. */
  readonly filter: object;
  /** Correlation whose whole chain the export claims to hold, up to the checkpoint; undefined for any other filter. */
  readonly wholeCorrelation: string | undefined;
  /** Events whose every field was recomputed, payload included. */
  readonly events: number;
  /** Events whose payload was erased: every other field was recomputed, from digests of what is gone. */
  readonly erased: number;
  /** Events that were removed: only their hash and place are proven. */
  readonly removed: number;
  /** Of these, those that no event after them names: only their line says of which correlation they are. */
  readonly unlinked: number;
  readonly correlations: number;
  /** Events that were held against the event before them in their chain. */
  readonly links: number;
  readonly firstLogIndex: number | undefined;
  readonly lastLogIndex: number | undefined;
  /** Names of given keys that signed nothing of it. */
  readonly unusedKeys: readonly string[];
}

/** What a receipt was found to prove. */
export interface ReceiptReport {
  readonly kind: "receipt";
  /** Whether a key that was given signed the checkpoint. */
  readonly vouched: boolean;
  readonly checkpoint: CheckedCheckpoint;
  readonly eventId: string;
  readonly eventHash: string;
  readonly correlationId: string;
  readonly chainPosition: number;
  readonly logIndex: number;
  /** Whether the event itself was given, and gives this hash: whole, or with its payload erased. */
  readonly event: "not given" | "whole" | "erased";
  /** Names of given keys that signed nothing of it. */
  readonly unusedKeys: readonly string[];
}
