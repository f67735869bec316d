import semver from "semver";
import type { LifecycleAct } from "../../src/catalog/change/changes.ts";
import type { ActionTypeState, WorkflowState } from "../../src/catalog/rows.ts";

/** A version in the model; `what` stands for its content. */
export interface ModelVersion {
  readonly name: string;
  readonly version: string;
  readonly what: string;
  readonly actionType: string;
  status: WorkflowState;
  latest: boolean;
}

/** What one change did: its result or the reason of its refusal, and how many events it left. */
export interface ModelOutcome {
  readonly outcome: string;
  readonly events: number;
}

const REFUSED = (outcome: string): ModelOutcome => ({ outcome, events: 0 });

/** The catalog as plain lists: a second telling of the rules, row by row as the table of the documentation has them. */
export class CatalogModel {
  readonly actionTypes = new Map<string, { status: ActionTypeState; what: string }>();
  readonly versions: ModelVersion[] = [];

  registerActionType(name: string, what: string): ModelOutcome {
    const known = this.actionTypes.get(name);
    this.actionTypes.set(name, { status: "active", what });
    if (known === undefined) return { outcome: "created", events: 1 };
    if (known.status === "disabled") return { outcome: "reenabled", events: 1 };
    return known.what === what ? { outcome: "unchanged", events: 0 } : { outcome: "updated", events: 1 };
  }

  updateActionType(name: string, what: string): ModelOutcome {
    const known = this.actionTypes.get(name);
    if (known === undefined) return REFUSED("ACTION_TYPE_NOT_FOUND");
    if (known.status === "disabled") return REFUSED("ACTION_TYPE_DISABLED");
    return this.registerActionType(name, what);
  }

  disableActionType(name: string): ModelOutcome {
    const known = this.actionTypes.get(name);
    if (known === undefined) return REFUSED("ACTION_TYPE_NOT_FOUND");
    if (known.status === "disabled") return { outcome: "done", events: 0 };
    if (this.versions.some((one) => one.actionType === name && one.status === "active")) {
      return { outcome: "ACTION_TYPE_IN_USE", events: 1 };
    }
    known.status = "disabled";
    return { outcome: "done", events: 1 };
  }

  /** The version that a name's etag is of. */
  current(name: string): ModelVersion | undefined {
    const own = this.versions.filter((one) => one.name === name);
    return own.find(({ status }) => status === "active") ?? own.find(({ latest }) => latest);
  }

  register(wanted: Omit<ModelVersion, "status" | "latest">, allowDowngrade: boolean): ModelOutcome {
    const own = this.versions.filter(({ name }) => name === wanted.name);
    const same = own.find(({ version }) => version === wanted.version);
    const active = own.find(({ status }) => status === "active");
    const sameContent = same?.what === wanted.what && same.actionType === wanted.actionType;
    if (same?.status === "active" && sameContent) return { outcome: "unchanged", events: 0 };
    const kind = this.actionTypes.get(wanted.actionType)?.status;
    if (kind === undefined) return REFUSED("ACTION_TYPE_UNKNOWN");
    if (kind === "disabled") return REFUSED("ACTION_TYPE_DISABLED");
    if (active && active.actionType !== wanted.actionType) return REFUSED("ACTION_TYPE_DIFFERS");
    switch (same?.status) {
      case "deprecated":
      case "archived":
        return REFUSED("VERSION_SPENT");
      case "active":
        return REFUSED("VERSION_CONTENT_CHANGED");
      case "disabled":
      case "superseded":
        if (!sameContent) return REFUSED("VERSION_CONTENT_CHANGED");
        if (same.status === "superseded" && !allowDowngrade) return REFUSED("VERSION_SUPERSEDED");
    }
    if (active && !allowDowngrade && semver.lt(wanted.version, active.version)) return REFUSED("VERSION_LOWER");
    const moved = this.#activate(same ?? this.#add(wanted));
    const outcome = active ? "superseded_previous" : same ? "reenabled" : "created";
    return { outcome, events: 1 + moved };
  }

  act(act: LifecycleAct, row: ModelVersion | undefined): ModelOutcome {
    if (row === undefined) return REFUSED("WORKFLOW_NOT_FOUND");
    const to = ({ disable: "disabled", enable: "active", deprecate: "deprecated", archive: "archived" } as const)[act];
    if (row.status === to) return { outcome: "done", events: 0 };
    const may: Record<WorkflowState, readonly WorkflowState[]> = {
      active: ["disabled", "deprecated", "archived"],
      disabled: ["active", "archived"],
      deprecated: ["archived"],
      archived: [],
      superseded: [],
    };
    if (!may[row.status].includes(to)) return REFUSED("TRANSITION_NOT_ALLOWED");
    if (to !== "active") {
      row.status = to;
      return { outcome: "done", events: 1 };
    }
    if (this.versions.some(({ name, status }) => name === row.name && status === "active")) {
      return REFUSED("ANOTHER_VERSION_ACTIVE");
    }
    if (this.actionTypes.get(row.actionType)?.status !== "active") return REFUSED("ACTION_TYPE_DISABLED");
    return { outcome: "done", events: 1 + this.#activate(row) };
  }

  #add(wanted: Omit<ModelVersion, "status" | "latest">): ModelVersion {
    const row: ModelVersion = { ...wanted, status: "disabled", latest: false };
    this.versions.push(row);
    return row;
  }

  /** Makes a version the active and the latest one. Gives how many others that changes. */
  #activate(row: ModelVersion): number {
    let changed = 0;
    for (const other of this.versions) {
      if (other === row || other.name !== row.name || !other.latest) continue;
      if (other.status === "active") other.status = "superseded";
      other.latest = false;
      changed++;
    }
    row.status = "active";
    row.latest = true;
    return changed;
  }
}
