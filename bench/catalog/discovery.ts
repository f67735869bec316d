import { Health } from "../../gen/ts/health/v1/health_pb.ts";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import type { BenchDatabase } from "../database.ts";
import { GrpcConnection } from "../grpc.ts";
import type { Options } from "../options.ts";
import { startService } from "../processes.ts";
import { type BareSql, openBareSql } from "./bare_sql.ts";
import { callOf, emptyCall, explainCall, getCall, readWorkflows } from "./calls.ts";
import { ACTION_TYPES } from "./catalog_rows.ts";
import { fillCatalog } from "./fill.ts";
import { type Question, questions } from "./incidents.ts";
import { type Asked, CallTimes, Comparison, type Times } from "./timing.ts";

/** Latencies of discovery beside those of its statements. */
export interface DiscoveryResult {
  readonly workflows: number;
  readonly action_types: number;
  /** What sent the bare statements. */
  readonly sql_by: BareSql["name"];
  /** How often a round asks each question of either side. */
  readonly tries: number;
  readonly asked: readonly Asked[];
  /** Calls for which no statement of their own is measured. */
  readonly others: readonly (Times & { readonly name: string })[];
}

const TRIES = 200;

type Progress = (text: string) => void;

/** Fills a catalog, then asks each question of the service and as bare SQL in turn, round by round. */
export async function measureDiscovery(
  database: BenchDatabase,
  { rounds, quick, profile }: Pick<Options, "rounds" | "quick" | "profile">,
  progress: Progress,
): Promise<DiscoveryResult> {
  const [workflows, actionTypes, tries] = quick ? [400, 10, 5] : [10_000, ACTION_TYPES.length, TRIES];
  const { url, sql, close } = await database.another("catalog");
  const service = await startService(url, profile);
  const bare = await openBareSql(url);
  try {
    progress(`discovery: filling the catalog with ${workflows} workflows`);
    await fillCatalog(sql, workflows, actionTypes);
    const connections = await connect(service.address);
    const asked = questions(actionTypes).map((question) => new Comparison(question, connections.catalog, bare));
    const others = await otherCalls(connections, actionTypes);
    for (let round = 1; round <= rounds; round++) {
      progress(`discovery: round ${round} of ${rounds}`);
      for (const one of [...asked, ...others]) await one.measure(tries);
    }
    connections.close();
    const common = { workflows, action_types: actionTypes, sql_by: bare.name, tries };
    return { ...common, asked: asked.map((one) => one.result()), others: others.map((one) => one.result()) };
  } finally {
    await bare.close();
    await service.stop();
    await close();
  }
}

interface Connections {
  readonly catalog: GrpcConnection;
  readonly health: GrpcConnection;
  close(): void;
}

async function connect(address: string): Promise<Connections> {
  const catalog = await GrpcConnection.open(address, CatalogService.typeName);
  const health = await GrpcConnection.open(address, Health.typeName);
  return {
    catalog,
    health,
    close() {
      catalog.close();
      health.close();
    },
  };
}

/** One that looks at nothing, explanations, and the third step for the best workflow of the second. */
async function otherCalls({ catalog, health }: Connections, actionTypes: number): Promise<CallTimes[]> {
  const ofWorkflows = questions(actionTypes).filter(({ actionType }) => actionType !== undefined);
  const common = ofWorkflows.findLast(({ name }) => name.includes("common")) as Question;
  const { method, framed } = callOf(common);
  const [best] = readWorkflows(await catalog.unary(method, framed)).workflows;
  if (best === undefined) throw new Error(`${common.name}: no workflow matches`);
  return [
    new CallTimes("a call that looks at nothing", emptyCall(), health),
    ...ofWorkflows.map((question) => new CallTimes(`${question.name}, explained`, explainCall(question), catalog)),
    new CallTimes("GetMatchingWorkflow", getCall(best.workflow?.workflowId ?? "", common), catalog),
  ];
}
