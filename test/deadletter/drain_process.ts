// A process that drains until it is killed: `node drain_process.ts <Valkey> <PostgreSQL>`. DATASTORAGE_TEST_FAILPOINT says where.
import { startDrainer } from "../../src/deadletter/drainer.ts";
import { openAppender } from "../support/drain_site.ts";
import { openStore } from "../support/valkey.ts";

const [valkeyUrl = "", databaseUrl = ""] = process.argv.slice(2);
const { store, log } = openStore(valkeyUrl);
const { appender } = openAppender(databaseUrl);
const observer = { retried() {}, claimed() {}, deadLetters() {}, deadLettersFull() {}, breaker() {}, replaced() {} };
startDrainer({ store, appender, owner: store.consumer, tries: 2, retryWaitMs: 10, log, observer, onSettled() {} });
