import { Fault } from "../fault.ts";

/** There is no such action type. */
export function actionTypeNotFound(actionType: string): Fault {
  return notFound("action type", "ACTION_TYPE_NOT_FOUND", "kubernaut.catalog.v1.ActionType", actionType);
}

/** There is no such workflow, or no such version of it; `name` is what it was asked for by. */
export function workflowNotFound(name: string): Fault {
  return notFound("workflow", "WORKFLOW_NOT_FOUND", "kubernaut.catalog.v1.Workflow", name);
}

function notFound(what: string, reason: string, type: string, name: string): Fault {
  return new Fault("not_found", `there is no ${what} ${name}`, { reason, resource: { type, name } });
}
