// A process that indexes until it is killed: `node sequencer_process.ts <PostgreSQL>`. DATASTORAGE_TEST_FAILPOINT says where.
import { openWithoutKeys } from "./log_site.ts";

const [url = ""] = process.argv.slice(2);
openWithoutKeys(url, { idleSessionTimeoutMs: 1_000 }).begin();
