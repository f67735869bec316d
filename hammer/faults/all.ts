import { failpointFaults } from "./failpoint_faults.ts";
import type { Fault } from "./fault.ts";
import { linkFaults } from "./link_faults.ts";
import { logFaults } from "./log_faults.ts";
import { monthFaults } from "./month_faults.ts";
import { postgresFaults } from "./postgres_faults.ts";
import { serviceFaults } from "./service_faults.ts";
import { valkeyFaults, wipeFaults } from "./valkey_faults.ts";

/** Every fault but those that make Valkey lose what it holds. */
export const FAULTS: readonly Fault[] = [
  ...serviceFaults,
  ...postgresFaults,
  ...linkFaults,
  ...valkeyFaults,
  ...monthFaults,
  ...logFaults,
  ...failpointFaults,
];

/** For a run of its own: these, often, among the others. */
export const WIPES = wipeFaults;
