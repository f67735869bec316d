-- The catalog: action types, the versions of workflows, and the one statement that changes them.

-- Numbers the states of rows: a row that is changed gets the next, so that a caller can say which state it knows.
CREATE SEQUENCE catalog_revisions;

CREATE TABLE action_type_taxonomy (
  action_type text COLLATE "C" PRIMARY KEY,
  description jsonb NOT NULL,
  status varchar(20) NOT NULL,
  disabled_at timestamptz,
  disabled_by varchar(255),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  revision bigint NOT NULL DEFAULT nextval('catalog_revisions'),
  CONSTRAINT action_type_taxonomy_name CHECK (action_type ~ '^[A-Z][A-Za-z0-9]{0,99}$'),
  CONSTRAINT action_type_taxonomy_status CHECK (status IN ('active', 'disabled')),
  CONSTRAINT action_type_taxonomy_disabled CHECK (
    (status = 'disabled') = (disabled_at IS NOT NULL) AND (status = 'disabled') = (disabled_by IS NOT NULL)),
  -- What active workflows refer to: see remediation_workflow_catalog_active_action_type.
  CONSTRAINT action_type_taxonomy_state UNIQUE (action_type, status)
);

COMMENT ON TABLE action_type_taxonomy IS 'The kinds of action that a workflow may carry out.';
COMMENT ON COLUMN action_type_taxonomy.description IS '{what, whenToUse, whenNotToUse, preconditions}';
COMMENT ON COLUMN action_type_taxonomy.revision IS 'Another one after every change: the etag of the contract.';

CREATE TABLE remediation_workflow_catalog (
  workflow_id text COLLATE "C" PRIMARY KEY,
  workflow_name varchar(253) COLLATE "C" NOT NULL,
  version varchar(256) COLLATE "C" NOT NULL,
  is_latest_version boolean NOT NULL,
  action_type text COLLATE "C" NOT NULL REFERENCES action_type_taxonomy,
  status varchar(20) NOT NULL,
  labels jsonb NOT NULL,
  custom_labels jsonb NOT NULL DEFAULT '{}',
  detected_labels jsonb NOT NULL DEFAULT '{}',
  description jsonb NOT NULL,
  execution_bundle text NOT NULL,
  execution_bundle_digest text NOT NULL,
  engine_config jsonb,
  content_hash text NOT NULL,
  schema_data jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  created_by varchar(255) NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by varchar(255) NOT NULL,
  status_reason text,
  revision bigint NOT NULL DEFAULT nextval('catalog_revisions'),
  action_type_status varchar(20) GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN 'active' END) STORED,
  CONSTRAINT remediation_workflow_catalog_version UNIQUE (workflow_name, version),
  CONSTRAINT remediation_workflow_catalog_status CHECK (
    status IN ('active', 'disabled', 'deprecated', 'archived', 'superseded')),
  CONSTRAINT remediation_workflow_catalog_latest CHECK (
    CASE status WHEN 'active' THEN is_latest_version WHEN 'superseded' THEN NOT is_latest_version ELSE true END),
  CONSTRAINT remediation_workflow_catalog_content_hash CHECK (content_hash ~ '^[0-9a-f]{64}$'),
  -- An active workflow has an active action type, whichever of the two is changed last. (A NULL refers to nothing.)
  CONSTRAINT remediation_workflow_catalog_active_action_type
    FOREIGN KEY (action_type, action_type_status) REFERENCES action_type_taxonomy (action_type, status)
);

COMMENT ON TABLE remediation_workflow_catalog IS 'Every version of every workflow that was ever registered.';
COMMENT ON COLUMN remediation_workflow_catalog.labels IS
  'Normalised for queries: lists in lower case. A component `g/v/kind` also stands as `kind`, a bare `kind` also as `*/kind`.';
COMMENT ON COLUMN remediation_workflow_catalog.custom_labels IS 'Key → list of values, in lower case.';
COMMENT ON COLUMN remediation_workflow_catalog.detected_labels IS 'Booleans, and strings in lower case.';
COMMENT ON COLUMN remediation_workflow_catalog.content_hash IS 'SHA-256 of the RFC 8785 form of the registered spec, in hex.';
COMMENT ON COLUMN remediation_workflow_catalog.schema_data IS 'The registered spec.';
COMMENT ON COLUMN remediation_workflow_catalog.revision IS 'Another one after every change: the etag of the contract.';
COMMENT ON COLUMN remediation_workflow_catalog.action_type_status IS 'The status that the action type must have.';

CREATE UNIQUE INDEX idx_workflow_catalog_one_active ON remediation_workflow_catalog (workflow_name, action_type)
  WHERE status = 'active';
-- One latest version of each; with remediation_workflow_catalog_latest also one active version, whatever its action type.
CREATE UNIQUE INDEX idx_workflow_catalog_one_latest ON remediation_workflow_catalog (workflow_name) WHERE is_latest_version;
CREATE INDEX idx_workflow_catalog_discovery ON remediation_workflow_catalog (action_type, status, is_latest_version);
CREATE INDEX idx_workflow_catalog_labels ON remediation_workflow_catalog USING gin (labels jsonb_path_ops);
CREATE INDEX idx_workflow_catalog_custom_labels ON remediation_workflow_catalog USING gin (custom_labels jsonb_path_ops);
CREATE INDEX idx_workflow_catalog_detected_labels ON remediation_workflow_catalog USING gin (detected_labels jsonb_path_ops);

-- What never changes, and the states' transitions.
CREATE FUNCTION guard_workflow_catalog() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  state_columns constant text[] := ARRAY[
    'status', 'is_latest_version', 'status_reason', 'updated_at', 'updated_by', 'revision', 'action_type_status'];
  allowed constant jsonb := '{
    "active": ["disabled", "deprecated", "superseded", "archived"],
    "disabled": ["active", "archived"],
    "deprecated": ["archived"],
    "superseded": ["active"],
    "archived": []}';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - state_columns <> to_jsonb(OLD) - state_columns THEN
      RAISE EXCEPTION 'a registered version of a workflow never changes'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'remediation_workflow_catalog_immutable';
    ELSIF NEW.status = OLD.status OR allowed -> OLD.status ? NEW.status THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a workflow that is % cannot become %', OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'remediation_workflow_catalog_transition';
  END IF;
  RAISE EXCEPTION 'rows of % are never removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER workflow_catalog_guard BEFORE UPDATE OR DELETE ON remediation_workflow_catalog
  FOR EACH ROW EXECUTE FUNCTION guard_workflow_catalog();
CREATE TRIGGER workflow_catalog_guard_truncate BEFORE TRUNCATE ON remediation_workflow_catalog
  FOR EACH STATEMENT EXECUTE FUNCTION guard_workflow_catalog();
CREATE TRIGGER action_type_guard BEFORE DELETE ON action_type_taxonomy
  FOR EACH ROW EXECUTE FUNCTION guard_workflow_catalog();
CREATE TRIGGER action_type_guard_truncate BEFORE TRUNCATE ON action_type_taxonomy
  FOR EACH STATEMENT EXECUTE FUNCTION guard_workflow_catalog();

-- One change of the catalog and its events: all of it or nothing. Answers `changed` when a row is not in the state that
-- the caller built on, or a constraint of the catalog refuses what was right for that state: the caller looks again. Else it
-- answers as append_audit_events does, to which all arguments but the first go; `stale` and `duplicate` change nothing
-- either. With `appended` come the new revisions of the rows, one for each change.
--
-- `changes` is a list, applied in order. A `revision` is that of the row which the caller knows.
--   {"insert_action_type": columns}
--   {"update_action_type": columns, "revision": n}  description, status, disabled_at, disabled_by, updated_at; by action_type
--   {"insert_workflow": columns}
--   {"update_workflow": columns, "revision": n}     status, is_latest_version, status_reason, updated_at, updated_by; by workflow_id
CREATE FUNCTION change_catalog(
  changes jsonb,
  heads text, head_count integer, ids text, events text, event_count integer, escaped boolean,
  OUT answer text, OUT revisions bigint[])
LANGUAGE plpgsql
AS $$
DECLARE
  change jsonb;
  written bigint;
  refused_by text;
BEGIN
  revisions := '{}';
  FOR change IN SELECT value FROM jsonb_array_elements(changes) WITH ORDINALITY ORDER BY ordinality LOOP
    written := NULL;
    IF change ? 'insert_action_type' THEN
      INSERT INTO action_type_taxonomy (action_type, description, status, disabled_at, disabled_by, created_at, updated_at)
      SELECT action_type, description, status, disabled_at, disabled_by, created_at, updated_at
      FROM jsonb_populate_record(NULL::action_type_taxonomy, change -> 'insert_action_type')
      RETURNING revision INTO written;
    ELSIF change ? 'update_action_type' THEN
      UPDATE action_type_taxonomy AS kept
      SET description = given.description, status = given.status, disabled_at = given.disabled_at,
          disabled_by = given.disabled_by, updated_at = given.updated_at, revision = nextval('catalog_revisions')
      FROM jsonb_populate_record(NULL::action_type_taxonomy, change -> 'update_action_type') AS given
      WHERE kept.action_type = given.action_type AND kept.revision = (change ->> 'revision')::bigint
      RETURNING kept.revision INTO written;
    ELSIF change ? 'insert_workflow' THEN
      INSERT INTO remediation_workflow_catalog (
        workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, custom_labels, detected_labels,
        description, execution_bundle, execution_bundle_digest, engine_config, content_hash, schema_data, created_at,
        created_by, updated_at, updated_by, status_reason)
      SELECT
        workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, custom_labels, detected_labels,
        description, execution_bundle, execution_bundle_digest, engine_config, content_hash, schema_data, created_at,
        created_by, updated_at, updated_by, status_reason
      FROM jsonb_populate_record(NULL::remediation_workflow_catalog, change -> 'insert_workflow')
      RETURNING revision INTO written;
    ELSE
      UPDATE remediation_workflow_catalog AS kept
      SET status = given.status, is_latest_version = given.is_latest_version, status_reason = given.status_reason,
          updated_at = given.updated_at, updated_by = given.updated_by, revision = nextval('catalog_revisions')
      FROM jsonb_populate_record(NULL::remediation_workflow_catalog, change -> 'update_workflow') AS given
      WHERE kept.workflow_id = given.workflow_id AND kept.revision = (change ->> 'revision')::bigint
      RETURNING kept.revision INTO written;
    END IF;
    IF written IS NULL THEN
      RAISE EXCEPTION 'changed' USING ERRCODE = 'KN003';
    END IF;
    revisions := revisions || written;
  END LOOP;
  answer := append_audit_events(heads, head_count, ids, events, event_count, escaped);
  IF answer <> 'appended' THEN
    RAISE EXCEPTION '%', answer USING ERRCODE = 'KN004';
  END IF;
EXCEPTION
  -- The block is a subtransaction: what it wrote is gone. Its variables are not.
  WHEN SQLSTATE 'KN003' THEN
    answer := 'changed';
    revisions := NULL;
  WHEN SQLSTATE 'KN004' THEN
    revisions := NULL;
  WHEN unique_violation OR foreign_key_violation THEN
    GET STACKED DIAGNOSTICS refused_by = TABLE_NAME;
    IF refused_by NOT IN ('action_type_taxonomy', 'remediation_workflow_catalog') THEN
      RAISE;
    END IF;
    answer := 'changed';
    revisions := NULL;
END
$$;
