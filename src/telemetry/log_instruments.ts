import type { Instrument } from "./instrument.ts";

/** What is measured of the log over all events: how far it has come, and what it costs. */
export const log = {
  logEvents: {
    name: "datastorage_log_events",
    kind: "gauge",
    unit: "{event}",
    labels: {
      state: {
        values: ["recorded", "indexed", "covered"],
        meaning:
          "`recorded`: without an index in the log so far; `indexed`: with one that no published checkpoint covers; `covered`: by the " +
          "latest published checkpoint.",
      },
    },
    meaning:
      "Events by how far they have come in the log: each is in one state, together they are all that were ever recorded.",
  },
  logIndexLag: {
    name: "datastorage_log_index_lag_seconds",
    kind: "gauge",
    unit: "s",
    labels: {},
    meaning:
      "Age of the oldest recorded event that has no index in the log; 0 where there is none. Looked at every second.",
  },
  logOldestTransaction: {
    name: "datastorage_log_oldest_transaction_seconds",
    kind: "gauge",
    unit: "s",
    labels: {},
    meaning:
      "Age of the oldest transaction that is open in the database, as far as the service's role may see them: while it lasts, what " +
      "was indexed is not cleared away, and reading what is to be indexed takes longer and longer.",
  },
  logSequencer: {
    name: "datastorage_log_sequencer",
    kind: "gauge",
    unit: "1",
    labels: {},
    meaning: "1 in the process that indexes the log, 0 in the others.",
  },
  logSigning: {
    name: "datastorage_log_signing",
    kind: "gauge",
    unit: "1",
    labels: {
      status: {
        values: ["standby", "signing", "no_key", "other_origin", "contradicted"],
        meaning:
          "`standby`: another process indexes and signs, or the database is away; `signing`: this one does; `no_key`: no key is configured; " +
          "`other_origin`: DATASTORAGE_LOG_ORIGIN is not the origin in use; `contradicted`: the log is not what was signed of it, " +
          "and nothing is indexed or signed.",
      },
    },
    meaning: "1 for the state that the signing of the log is in, 0 for the others.",
  },
  logKept: {
    name: "datastorage_log_kept_outside",
    kind: "gauge",
    unit: "1",
    labels: {},
    meaning:
      "1 where this process keeps the latest checkpoint outside of the database, in the folder `log` of its data folder; 0 where it does " +
      "not: that folder cannot be read or written, or nothing is signed. Without it, and without witnesses, a database that was taken " +
      "back is not noticed.",
  },
  logWitnesses: {
    name: "datastorage_log_witnesses",
    kind: "gauge",
    unit: "{witness}",
    labels: {
      state: {
        values: ["answering", "failing"],
        meaning: "`failing`: gave no cosignature when it was asked last; `answering`: all others.",
      },
    },
    meaning: "Witnesses of DATASTORAGE_WITNESSES, by what became of the last question.",
  },
  logAdvances: {
    name: "datastorage_log_advances_total",
    kind: "counter",
    unit: "{advance}",
    labels: {},
    meaning: "How often this process has made the log longer.",
  },
  logIndexedEvents: {
    name: "datastorage_log_indexed_events_total",
    kind: "counter",
    unit: "{event}",
    labels: {},
    meaning: "Events that this process has given an index.",
  },
  logAdvanceDuration: {
    name: "datastorage_log_advance_duration_seconds",
    kind: "histogram",
    unit: "s",
    labels: {},
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    meaning: "Duration of one advance, from reading what is to be indexed to its commit.",
  },
} as const satisfies Record<string, Instrument>;
