import type { GrpcConnection } from "../grpc.ts";
import { median, percentile } from "../statistics.ts";
import type { BareSql } from "./bare_sql.ts";
import { type Call, callOf, PAGE_SIZE, returnedIn } from "./calls.ts";
import type { Question } from "./incidents.ts";
import { statementOf } from "./statements.ts";

/** Milliseconds; of several rounds the medians. */
export interface Times {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** One question, asked of the service and of PostgreSQL in turn. */
export interface Asked {
  readonly name: string;
  /** Candidates in the reply: action types of the first step, workflows of the second. */
  readonly returned: number;
  /** The statement that the service sends, with the same values and nothing around it. */
  readonly sql: Times;
  /** From the call to the last byte of the reply. */
  readonly service: Times;
  /** Service over statement. */
  readonly ratio_p50: number;
  readonly ratio_p99: number;
  /** What the p99 of the service takes beyond twice that of the statement; 0 where that is nothing. */
  readonly ms_beyond_twice: number;
}

/** Tries of a round before the first that counts: code and caches are warm then. */
const WARM_UP = 20;

/** A question, asked of the service and as bare SQL. */
export class Comparison {
  readonly #question: Question;
  readonly #call: Call;
  readonly #connection: GrpcConnection;
  readonly #bare: BareSql;
  readonly #rounds = { sql: [] as Times[], service: [] as Times[] };
  #returned = 0;

  constructor(question: Question, connection: GrpcConnection, bare: BareSql) {
    this.#question = question;
    this.#call = callOf(question);
    this.#connection = connection;
    this.#bare = bare;
  }

  /**
   * A round of so many tries of both sides. Who begins changes with every try: what one leaves for the database to do, such
   * as the event of a call, meets either side as often.
   */
  async measure(tries: number): Promise<void> {
    const statement = statementOf(this.#question, PAGE_SIZE);
    const sql: number[] = [];
    const service: number[] = [];
    const askSql = async () => sql.push((await this.#bare.run(statement)).ms);
    const askService = async () => {
      const { ms, answer } = await timed(this.#connection, this.#call);
      service.push(ms);
      this.#returned = returnedIn(answer, this.#question);
    };
    for (let one = 0; one < WARM_UP + tries; one++) {
      for (const side of one % 2 === 0 ? [askSql, askService] : [askService, askSql]) await side();
    }
    this.#rounds.sql.push(timesOf(sql.slice(WARM_UP)));
    this.#rounds.service.push(timesOf(service.slice(WARM_UP)));
  }

  /** Medians of the rounds so far. */
  result(): Asked {
    const [sql, service] = [medianTimes(this.#rounds.sql), medianTimes(this.#rounds.service)];
    return {
      name: this.#question.name,
      returned: this.#returned,
      sql,
      service,
      ratio_p50: service.p50_ms / sql.p50_ms,
      ratio_p99: service.p99_ms / sql.p99_ms,
      ms_beyond_twice: Math.max(0, service.p99_ms - 2 * sql.p99_ms),
    };
  }
}

/** A call with nothing beside it to compare it with. */
export class CallTimes {
  readonly #name: string;
  readonly #call: Call;
  readonly #connection: GrpcConnection;
  readonly #rounds: Times[] = [];

  constructor(name: string, call: Call, connection: GrpcConnection) {
    this.#name = name;
    this.#call = call;
    this.#connection = connection;
  }

  /** A round of so many tries. */
  async measure(tries: number): Promise<void> {
    const times: number[] = [];
    for (let one = 0; one < WARM_UP + tries; one++) times.push((await timed(this.#connection, this.#call)).ms);
    this.#rounds.push(timesOf(times.slice(WARM_UP)));
  }

  /** Medians of the rounds so far. */
  result(): Times & { readonly name: string } {
    return { name: this.#name, ...medianTimes(this.#rounds) };
  }
}

/** Milliseconds until the whole answer is here, not yet decoded. */
export async function timed(
  connection: GrpcConnection,
  { method, framed }: Call,
): Promise<{ ms: number; answer: Buffer }> {
  const begun = performance.now();
  const answer = await connection.unary(method, framed);
  return { ms: performance.now() - begun, answer };
}

/** Of one round. */
export function timesOf(times: readonly number[]): Times {
  return { p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99) };
}

/** Of several rounds. */
export function medianTimes(rounds: readonly Times[]): Times {
  return { p50_ms: median(rounds.map(({ p50_ms }) => p50_ms)), p99_ms: median(rounds.map(({ p99_ms }) => p99_ms)) };
}
