import { create, type DescMessage, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  type Reconstruction,
  ReconstructionWarningSchema,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { Fault } from "../fault.ts";

/** 4 MiB, less what an envelope takes. */
const REPLY_BYTES = 4 * 1024 * 1024 - 1024;
/** A byte of protobuf is at most so many of ProtoJSON, where it is text. */
const JSON_GROWTH = 6;
/** Beyond which a reply is measured closely. */
const SMALL_BYTES = REPLY_BYTES / JSON_GROWTH / 4;

/** The members of a reply that give way. */
interface Reply {
  json: string;
  reconstruction?: Reconstruction | undefined;
}

/**
 * Makes a reply fit into 4 MiB, in protobuf and in ProtoJSON: the provenance goes first, then the object as JSON text, which
 * says what the YAML text says. Each is told by a warning LEFT_OUT.
 *
 * @throws Fault `precondition` (TOO_LARGE) where it does not fit then.
 */
export function fitReply<Desc extends DescMessage>(schema: Desc, reply: MessageShape<Desc> & Reply): void {
  if (fits(schema, reply)) return;
  const { reconstruction } = reply;
  if (reconstruction !== undefined) reconstruction.provenance = [];
  warn(reconstruction, "provenance");
  if (fits(schema, reply)) return;
  reply.json = "";
  warn(reconstruction, "json");
  if (fits(schema, reply)) return;
  const bytes = toBinary(schema, reply).length;
  const message = `the object and its YAML text take ${bytes} bytes; no reply may have more than 4 MiB`;
  throw new Fault("precondition", message, { reason: "TOO_LARGE", metadata: { bytes: String(bytes) } });
}

function fits<Desc extends DescMessage>(schema: Desc, reply: MessageShape<Desc>): boolean {
  const bytes = toBinary(schema, reply).length;
  if (bytes <= SMALL_BYTES) return true;
  return bytes <= REPLY_BYTES && Buffer.byteLength(toJsonString(schema, reply)) <= REPLY_BYTES;
}

function warn(reconstruction: Reconstruction | undefined, member: string): void {
  const message = `${member} is left out: with it, the reply would have more than 4 MiB`;
  reconstruction?.warnings.push(create(ReconstructionWarningSchema, { reason: "LEFT_OUT", message }));
}
