import { createHash, randomBytes, randomUUIDv7 } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";

/** Names another file of recorded events than our own sample; see --sample. */
export const SAMPLE_VARIABLE = "DATASTORAGE_TEST_BENCH_SAMPLE";

const OWN_SAMPLE = fileURLToPath(new URL("../examples/remediation.jsonl", import.meta.url));

/** Remediations that emit in turn. */
const OPEN_REMEDIATIONS = 20;

/** What differs between two remediations wherever it stands: UUIDs, SHA-256 digests, other long hexadecimal ids. */
const OWN_VALUES = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b/g;

interface SampleEvent {
  readonly event_type: string;
  readonly event_outcome?: "success" | "failure" | "pending";
  readonly event_action?: string;
  readonly actor_type?: string;
  readonly actor_id?: string;
  readonly resource_type?: string;
  readonly resource_id?: string;
  readonly correlation_id: string;
  readonly namespace?: string;
  readonly cluster_name?: string;
  readonly severity?: string;
  readonly duration_ms?: number;
  readonly error_code?: string;
  readonly error_message?: string;
  readonly event_data: object;
}

interface Template {
  readonly event: SampleEvent;
  /** The payload's JSON text, cut where a value of the remediation's own stands; these are at the odd places. */
  readonly payload: readonly string[];
}

const OUTCOMES = { success: EventOutcome.SUCCESS, failure: EventOutcome.FAILURE, pending: EventOutcome.PENDING };

let loaded: readonly Template[] | undefined;

/** One remediation, event by event: what each generated one is a variation of. */
function templates(): readonly Template[] {
  loaded ??= readFileSync(sampleFile(), "utf8").trimEnd().split("\n").map(toTemplate);
  return loaded;
}

function sampleFile(): string {
  return process.env[SAMPLE_VARIABLE] ?? OWN_SAMPLE;
}

function toTemplate(line: string): Template {
  const event = JSON.parse(line) as SampleEvent;
  const own = new RegExp(`(${event.correlation_id}|${OWN_VALUES.source})`, "g");
  return { event, payload: JSON.stringify(event.event_data).split(own) };
}

/** One remediation: the sample's events with a name, ids and digests of its own. */
class Remediation {
  readonly #correlationId: string;
  readonly #values = new Map<string, string>();
  #next = 0;

  constructor(correlationId: string) {
    this.#correlationId = correlationId;
  }

  get isOver(): boolean {
    return this.#next === templates().length;
  }

  event(eventTimestamp: Timestamp): AuditEvent {
    const { event, payload } = templates()[this.#next++] as Template;
    const text = payload.map((part, index) => (index % 2 === 0 ? part : this.#own(part, event))).join("");
    return create(AuditEventSchema, {
      eventId: randomUUIDv7(),
      eventTimestamp,
      eventType: event.event_type,
      eventOutcome: OUTCOMES[event.event_outcome ?? "success"],
      eventAction: event.event_action ?? "",
      actorType: event.actor_type ?? "",
      actorId: event.actor_id ?? "",
      resourceType: event.resource_type ?? "",
      resourceId: event.resource_id ?? "",
      correlationId: this.#correlationId,
      namespace: event.namespace ?? "",
      clusterName: event.cluster_name ?? "",
      severity: event.severity ?? "",
      ...(event.duration_ms === undefined ? {} : { durationMs: BigInt(event.duration_ms) }),
      errorCode: event.error_code ?? "",
      errorMessage: event.error_message ?? "",
      payload: { case: "eventDataJson", value: Buffer.from(text) },
    });
  }

  #own(sampled: string, { correlation_id }: SampleEvent): string {
    if (sampled === correlation_id) return this.#correlationId;
    let value = this.#values.get(sampled);
    if (value === undefined) {
      const digest = createHash("sha256").update(`${this.#correlationId} ${sampled}`).digest("hex");
      value = sampled.includes("-") ? uuid(digest) : digest.slice(0, sampled.length);
      this.#values.set(sampled, value);
    }
    return value;
  }
}

function uuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

let lastMicros = 0;

/** Now, later than every time given before. */
function nextTimestamp(): Timestamp {
  lastMicros = Math.max(lastMicros + 1, Date.now() * 1000);
  return create(TimestampSchema, {
    seconds: BigInt(Math.floor(lastMicros / 1e6)),
    nanos: (lastMicros % 1_000_000) * 1000,
  });
}

/**
 * The events of one emitter: some remediations under way at once, about a hundred events each, with version 7 ids and
 * distinct times near now. Payloads are JSON text with keys in the order in which a program writes them, not sorted.
 */
export class EventSource {
  readonly #open: Remediation[] = [];
  #turn = 0;

  /** `correlationId`: all events belong to this one, instead of a new one for each remediation. */
  next(correlationId?: string): AuditEvent {
    const place = this.#turn++ % OPEN_REMEDIATIONS;
    let remediation = this.#open[place];
    if (remediation === undefined || remediation.isOver) {
      remediation = new Remediation(
        correlationId ?? `rr-${randomBytes(6).toString("hex")}-${randomBytes(4).toString("hex")}`,
      );
      this.#open[place] = remediation;
    }
    return remediation.event(nextTimestamp());
  }

  take(count: number, correlationId?: string): AuditEvent[] {
    return Array.from({ length: count }, () => this.next(correlationId));
  }
}

/** The events of one remediation, however long: those of the sample, over and over, with distinct times near now. */
export class LongRemediation {
  readonly #correlationId: string;
  #pass: Remediation;

  constructor(correlationId: string) {
    this.#correlationId = correlationId;
    this.#pass = new Remediation(correlationId);
  }

  take(count: number): AuditEvent[] {
    return Array.from({ length: count }, () => {
      if (this.#pass.isOver) this.#pass = new Remediation(this.#correlationId);
      return this.#pass.event(nextTimestamp());
    });
  }
}

/** What the events are like, for the report. */
export interface EventFacts {
  readonly sample: string;
  readonly eventsPerCorrelation: number;
  readonly meanPayloadBytes: number;
  readonly medianPayloadBytes: number;
  readonly largestPayloadBytes: number;
  /** Of a whole event in protobuf form. */
  readonly meanEventBytes: number;
}

export function eventFacts(): EventFacts {
  const sizes = templates()
    .map(({ payload }) => Buffer.byteLength(payload.join("")))
    .sort((a, b) => a - b);
  return {
    sample: basename(sampleFile()),
    eventsPerCorrelation: templates().length,
    meanPayloadBytes: Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
    medianPayloadBytes: sizes[sizes.length >> 1] ?? 0,
    largestPayloadBytes: sizes.at(-1) ?? 0,
    meanEventBytes: meanEventBytes(),
  };
}

function meanEventBytes(): number {
  const events = new EventSource().take(OPEN_REMEDIATIONS * templates().length);
  const bytes = events.reduce((sum, event) => sum + toBinary(AuditEventSchema, event).byteLength, 0);
  return Math.round(bytes / events.length);
}

/** The commonest event type whose payloads are all small, so that a page of them is never cut short by its size. */
export function commonestSmallType(): string {
  const counts = new Map<string, number>();
  for (const { event } of templates()) counts.set(event.event_type, (counts.get(event.event_type) ?? 0) + 1);
  for (const { event, payload } of templates()) {
    if (Buffer.byteLength(payload.join("")) > SMALL_BYTES) counts.delete(event.event_type);
  }
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
}

const SMALL_BYTES = 2000;
