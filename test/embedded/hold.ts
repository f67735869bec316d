// A process that holds a data folder and runs PostgreSQL in it (with `--valkey`: Valkey) until its end: what the tests kill.
// Prints one line of JSON when it is up.
import { takeDataFolder } from "../../src/embedded/data_folder.ts";
import { startPostgres } from "../../src/embedded/postgres.ts";
import { startValkey } from "../../src/embedded/valkey.ts";

const [dataDir = "", kind = "--postgres", programsDir = ""] = process.argv.slice(2);
const messages: string[] = [];
const note = (_facts: object, message: string) => void messages.push(message);
const log = { info: note, warn: note };

const folder = takeDataFolder(dataDir);
const server =
  kind === "--valkey"
    ? await startValkey({ dataDir, log, port: 0, programsDir })
    : await startPostgres({ dataDir, log, port: 0 });
folder.announce("127.0.0.1:18080");
console.log(JSON.stringify({ uid: process.getuid?.(), url: server?.url, messages }));
setInterval(() => {}, 60_000);
