import { sha256 } from "../../integrity/event_digest.ts";

const LABEL = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Characters of a digest that keep two shortened texts apart. */
const DIGITS = 8;

/** A text as the value of a label: itself where Kubernetes takes it, else what it takes of it and a part of its digest. */
export function labelValue(text: string): string {
  if (text === "" || LABEL.test(text)) return text;
  return shortened(text.replaceAll(/[^A-Za-z0-9._-]+/g, "-"), text, 63);
}

/** A text as the name of an object (a DNS subdomain): itself where it is one, else what can be of it and a part of its digest. */
export function objectName(text: string): string {
  if (NAME.test(text)) return text;
  return shortened(text.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-"), text, 253);
}

function shortened(readable: string, text: string, length: number): string {
  const kept = readable.slice(0, length - DIGITS - 1).replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  const digest = sha256(text.toWellFormed()).slice(0, DIGITS);
  return kept === "" ? `x-${digest}` : `${kept}-${digest}`;
}
