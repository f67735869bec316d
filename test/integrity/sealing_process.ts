// A process that indexes and signs the log of DATABASE_URL, keeping its checkpoint in DATASTORAGE_DATA_DIR, until it is ended.
import { logKeys, startLog } from "./sealing_site.ts";

const { DATABASE_URL: url = "", DATASTORAGE_DATA_DIR: dataDir = "", DATASTORAGE_LOG_KEY: pem = "" } = process.env;
const log = startLog(url, dataDir, { keys: logKeys(pem), origin: "audit.example.com/killed" });
process.once("SIGTERM", () => void log.close());
