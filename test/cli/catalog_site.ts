import { after, before } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Endpoint, startEndpoint } from "../interop/endpoint.ts";
import { datastorage, type Folder, temporaryFolder } from "./datastorage.ts";

/** The lines of an output. */
export const linesOf = (text: string) => (text === "" ? [] : text.trimEnd().split("\n"));
/** The lines of an output with --json. */
export const objectsOf = (text: string) => linesOf(text).map((line) => JSON.parse(line) as JsonObject);

/** A service with an empty catalog and a folder for files, both gone when the suite ends. */
export function catalogSite(name: string) {
  let endpoint: Endpoint;
  let folder: Folder;
  before(async () => {
    endpoint = await startEndpoint(name);
    folder = temporaryFolder();
  });
  after(async () => {
    folder?.remove();
    await endpoint?.close();
  });
  return {
    address: () => endpoint.address,
    call: (...args: string[]) => datastorage([...args, "--address", endpoint.address]),
    on: (columns: number, ...args: string[]) => datastorage([...args, "--address", endpoint.address], { columns }),
    piped: (stdin: string, ...args: string[]) => datastorage([...args, "--address", endpoint.address], { stdin }),
    write: (file: string, ...texts: string[]) => folder.write(file, texts),
  };
}
