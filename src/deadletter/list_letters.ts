import { create } from "@bufbuild/protobuf";
import {
  type DeadLetter,
  type ListDeadLettersRequest,
  type ListDeadLettersResponse,
  ListDeadLettersResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { LIMITS } from "../audit/event.ts";
import { bytesOf } from "./entry.ts";
import { readLetter } from "./letter.ts";
import { letterBytes, toDeadLetter, toLettersQuery } from "./letter_message.ts";
import { decodeToken, encodeToken, matches } from "./letters_query.ts";
import type { LettersStore } from "./letters_store.ts";

/** 4 MiB, less what stands beside the letters. */
const PAGE_BYTES = 3.9 * 1024 * 1024;
/** Letters, and their bytes, that one page looks at. */
const SCANNED_LETTERS = 5000;
const SCANNED_BYTES = 64 * 1024 * 1024;

/** A page of letters: it ends when it is full, or when it has looked at enough. */
export async function listLetters(
  letters: Pick<LettersStore, "scan">,
  request: ListDeadLettersRequest,
  signal: AbortSignal,
): Promise<ListDeadLettersResponse> {
  const query = toLettersQuery(request.filter);
  const after = request.pageToken === "" ? 0 : decodeToken(query, request.pageToken);
  const pageSize = Math.min(request.pageSize || LIMITS.defaultPageSize, LIMITS.pageSize);
  const page: DeadLetter[] = [];
  const scanned = { letters: 0, bytes: 0, last: after };
  let bytes = 0;
  for await (const stored of letters.scan(query.streams, after)) {
    signal.throwIfAborted();
    const enough = scanned.letters >= SCANNED_LETTERS || scanned.bytes >= SCANNED_BYTES;
    if (page.length >= pageSize || enough) return pageOf(page, encodeToken(query, scanned.last));
    const letter = readLetter(stored.fields);
    if (matches(query, letter)) {
      const message = toDeadLetter(stored, letter, request.payloadForm);
      bytes += letterBytes(message);
      if (page.length > 0 && bytes > PAGE_BYTES) return pageOf(page, encodeToken(query, scanned.last));
      page.push(message);
    }
    scanned.letters++;
    scanned.bytes += bytesOf(stored.fields);
    scanned.last = stored.sequence;
  }
  return pageOf(page, "");
}

function pageOf(letters: DeadLetter[], nextPageToken: string): ListDeadLettersResponse {
  return create(ListDeadLettersResponseSchema, { letters, nextPageToken });
}
