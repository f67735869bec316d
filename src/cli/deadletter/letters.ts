import { create, toJson } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { PayloadForm } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetterFilterSchema,
  DeadLetterReason,
  DeadLetterSchema,
  type DeadLetterService,
  QueueStream,
} from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import type { Flags, Given } from "../command.ts";
import { eventJson, timeText } from "../events.ts";
import { UsageError } from "../exit_code.ts";
import { wordOf } from "../values.ts";

export type DeadLetterClient = Client<typeof DeadLetterService>;

const STREAMS = { events: QueueStream.EVENTS, notifications: QueueStream.NOTIFICATIONS } as const;

const REASONS = {
  refused: DeadLetterReason.REFUSED,
  conflict: DeadLetterReason.CONFLICT,
  undecodable: DeadLetterReason.UNDECODABLE,
} as const;

/** The word for a stream, with which the ids of its letters begin. */
export function streamName(stream: QueueStream): string {
  return nameOf(STREAMS, stream);
}

export function reasonName(reason: DeadLetterReason): string {
  return nameOf(REASONS, reason);
}

/** Empty for a value that is newer than this program. */
function nameOf(values: Readonly<Record<string, number>>, wanted: number): string {
  return Object.entries(values).find(([, value]) => value === wanted)?.[0] ?? "";
}

/** The flags of DeadLetterFilter. */
export const letterFilterFlags = {
  stream: { value: "NAME", help: "letters of this stream: events or notifications" },
  reason: { value: "REASON", help: "letters with this reason: refused, conflict or undecodable" },
  "correlation-id": { value: "ID", help: "letters of this remediation" },
} as const satisfies Flags;

/** The filter that the flags amount to. @throws UsageError for words that are none. */
export function readLetterFilter(given: Given): DeadLetterFilter {
  const stream = wordOf(given, "stream", keysOf(STREAMS));
  const reason = wordOf(given, "reason", keysOf(REASONS));
  return create(DeadLetterFilterSchema, {
    streams: stream === undefined ? [] : [STREAMS[stream]],
    reason: reason === undefined ? DeadLetterReason.UNSPECIFIED : REASONS[reason],
    correlationId: given.text("correlation-id") ?? "",
  });
}

function keysOf<Key extends string>(values: Readonly<Record<Key, number>>): Key[] {
  return Object.keys(values) as Key[];
}

/** The ids that are given, each once. @throws UsageError for what is no id. */
export function readIds({ positionals }: Given): string[] {
  for (const id of positionals) {
    if (!/^(events|notifications)\/[1-9]\d{0,15}$/.test(id)) {
      throw new UsageError(
        `ID must be one that deadletter list shows, such as events/123, and not ${JSON.stringify(id)}`,
      );
    }
  }
  return [...new Set(positionals)];
}

export interface CallBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const LARGEST_PAGE = 1000;

/** The letters that match, `limit` at most, page by page. `more`: whether further ones may follow. */
export async function* listLetters(
  client: DeadLetterClient,
  filter: DeadLetterFilter,
  limit: number,
  bounds: CallBounds,
): AsyncGenerator<{ letters: readonly DeadLetter[]; more: boolean }> {
  let left = limit;
  let pageToken = "";
  do {
    const pageSize = Math.min(left, LARGEST_PAGE);
    const request = { filter, pageSize, pageToken, payloadForm: PayloadForm.JSON };
    const { letters, nextPageToken } = await client.listDeadLetters(request, bounds);
    left -= letters.length;
    pageToken = nextPageToken;
    yield { letters, more: pageToken !== "" };
  } while (left > 0 && pageToken !== "");
}

/** A letter as one line of JSON: ProtoJSON with the names of the contract, the event as `list` prints it. */
export function letterJson(letter: DeadLetter): string {
  const { event: _, ...about } = toJson(DeadLetterSchema, letter, { useProtoFieldName: true }) as Record<
    string,
    unknown
  >;
  const text = JSON.stringify(about);
  const { content } = letter;
  return content.case === "event" ? `${text.slice(0, -1)},"event":${eventJson(content.value)}}` : text;
}

/** A time to the second, in UTC; empty where there is none. */
export function secondText(time: Timestamp | undefined): string {
  return time === undefined ? "" : timeText(time.seconds * 1_000_000n, 0);
}
