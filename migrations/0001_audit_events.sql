-- The log of audit events, what its promises need beside it, and the one statement that writes to it.

CREATE TABLE audit_events (
  event_id uuid NOT NULL,
  event_version varchar(10) NOT NULL DEFAULT '1.0',
  event_timestamp timestamptz NOT NULL,
  event_date date NOT NULL,
  event_type varchar(100) NOT NULL,
  event_category varchar(50) NOT NULL,
  event_action varchar(50) NOT NULL,
  event_outcome varchar(20) NOT NULL,
  actor_type varchar(50) NOT NULL,
  actor_id varchar(255) NOT NULL,
  resource_type varchar(100) NOT NULL,
  resource_id varchar(255) NOT NULL,
  correlation_id varchar(255) NOT NULL,
  parent_event_id uuid,
  parent_event_date date,
  namespace varchar(253),
  cluster_name varchar(255),
  event_data jsonb NOT NULL DEFAULT '{}',
  event_hash text NOT NULL,
  previous_event_hash text,
  severity varchar(20),
  duration_ms bigint,
  error_code varchar(50),
  error_message text,
  retention_days integer NOT NULL DEFAULT 2555,
  is_sensitive boolean NOT NULL DEFAULT false,
  legal_hold boolean NOT NULL DEFAULT false,
  legal_hold_reason text,
  legal_hold_placed_by varchar(255),
  legal_hold_placed_at timestamptz,
  chain_position bigint NOT NULL,
  recorded_time timestamptz NOT NULL,
  recorded_by varchar(255) NOT NULL,
  PRIMARY KEY (event_id, event_date),
  CONSTRAINT audit_events_date_of_timestamp CHECK (event_date = (event_timestamp AT TIME ZONE 'UTC')::date),
  CONSTRAINT audit_events_outcome CHECK (event_outcome IN ('success', 'failure', 'pending')),
  CONSTRAINT audit_events_parent CHECK ((parent_event_id IS NULL) = (parent_event_date IS NULL)),
  CONSTRAINT audit_events_chain CHECK (chain_position >= 1 AND (chain_position = 1) = (previous_event_hash IS NULL)),
  CONSTRAINT audit_events_retention CHECK (retention_days BETWEEN 1 AND 36500),
  CONSTRAINT audit_events_duration CHECK (duration_ms BETWEEN 0 AND 9007199254740991)
) PARTITION BY RANGE (event_date);

COMMENT ON TABLE audit_events IS 'Every recorded event, partitioned by month of event_date. Rows are never changed, save the legal-hold columns.';
COMMENT ON COLUMN audit_events.chain_position IS 'Place in the chain of correlation_id: 1, 2, 3 … in order of arrival.';
COMMENT ON COLUMN audit_events.recorded_time IS 'When the service took the event.';
COMMENT ON COLUMN audit_events.recorded_by IS 'The authenticated caller that sent it.';

CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;

-- With event_id behind the timestamp, so that a page begins exactly where the one before ended, in the middle of any number
-- of events with one timestamp, and the planner sees that these indexes need neither a sort nor a filter.
CREATE INDEX idx_audit_events_event_timestamp ON audit_events (event_timestamp DESC, event_id DESC);
CREATE INDEX idx_audit_events_correlation_id ON audit_events (correlation_id, event_timestamp DESC, event_id DESC);
CREATE INDEX idx_audit_events_event_type ON audit_events (event_type, event_timestamp DESC, event_id DESC);
-- jsonb_path_ops serves @> alone, at half the cost of jsonb_ops; a long pending list turns many small index writes into few large ones.
CREATE INDEX idx_audit_events_event_data_gin ON audit_events USING gin (event_data jsonb_path_ops)
  WITH (fastupdate = on, gin_pending_list_limit = 16384);
-- Only what looks like a hash: an index key has a size limit, and a long string would stop the insert.
CREATE INDEX idx_audit_events_pre_remediation_spec_hash
  ON audit_events ((event_data ->> 'pre_remediation_spec_hash'), event_timestamp DESC)
  WHERE (event_data ->> 'pre_remediation_spec_hash') ~ '^sha256:[0-9a-f]{64}$';
-- The chain in its order, and a second guard beside the heads that a month holds no place twice.
CREATE UNIQUE INDEX idx_audit_events_chain ON audit_events (correlation_id, chain_position, event_date);

-- Every event id that was ever stored; outlives retention.
CREATE TABLE audit_event_ids (
  event_id uuid PRIMARY KEY,
  event_date date NOT NULL,
  chain_position bigint NOT NULL,
  salt bytea,
  submission_digest bytea
);

COMMENT ON TABLE audit_event_ids IS 'Every event id ever stored, for good: a repeat is recognised whatever its timestamp, also after retention.';
COMMENT ON COLUMN audit_event_ids.event_date IS 'The partition that holds the event.';
COMMENT ON COLUMN audit_event_ids.salt IS '16 random bytes of the event''s salted digests; erased together with what they cover.';
COMMENT ON COLUMN audit_event_ids.submission_digest IS 'Salted SHA-256 of what the client sent: tells a repeat from a conflict.';

CREATE TABLE audit_chain_heads (
  correlation_id varchar(255) PRIMARY KEY,
  chain_position bigint NOT NULL CHECK (chain_position >= 1),
  event_hash text NOT NULL,
  replaced_hash text
);

COMMENT ON TABLE audit_chain_heads IS 'The last event of each chain. A chain with its newest events cut off does not reach its head.';
COMMENT ON COLUMN audit_chain_heads.replaced_hash IS 'event_hash of the head before the latest append: what the append expected to find.';

-- Rows of the log do not change. Custody functions set datastorage.custody to on around what they do, everything else is
-- refused. They call set_config: a SET clause with a name of our own may only be written by a superuser.
CREATE FUNCTION guard_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  hold_columns constant text[] := ARRAY['legal_hold', 'legal_hold_reason', 'legal_hold_placed_by', 'legal_hold_placed_at'];
BEGIN
  IF current_setting('datastorage.custody', true) = 'on' THEN
    IF TG_OP = 'DELETE' THEN
      RETURN OLD;
    ELSIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - hold_columns = to_jsonb(OLD) - hold_columns THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'rows of audit_events are never changed: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_events_guard BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION guard_audit_events();
CREATE TRIGGER audit_events_guard_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_events();
CREATE TRIGGER audit_events_guard_truncate BEFORE TRUNCATE ON audit_events_default FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_events();

-- Makes the partition of one month, moving what the default partition holds of it. True: made; false: was there.
-- The table is made aside and attached, which leaves readers and writers of other months alone.
CREATE FUNCTION create_audit_events_month(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  first_day constant date := date_trunc('month', month)::date;
  next_month constant date := (date_trunc('month', month) + interval '1 month')::date;
  name constant text := 'audit_events_' || to_char(first_day, 'YYYY_MM');
BEGIN
  -- One at a time, and asked of pg_class by a new snapshot: a look-up by name could answer from before the lock.
  PERFORM pg_advisory_xact_lock(hashtextextended('create_audit_events_month', 0));
  IF EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING ALL)', name);
  IF EXISTS (SELECT FROM audit_events_default WHERE event_date >= first_day AND event_date < next_month) THEN
    LOCK TABLE audit_events_default IN ACCESS EXCLUSIVE MODE;
    PERFORM set_config('datastorage.custody', 'on', true);
    EXECUTE format(
      'WITH moved AS (DELETE FROM audit_events_default WHERE event_date >= %L AND event_date < %L RETURNING *)
       INSERT INTO %I SELECT * FROM moved', first_day, next_month, name);
    PERFORM set_config('datastorage.custody', 'off', true);
  END IF;
  EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first_day, next_month);
  EXECUTE format('CREATE TRIGGER audit_events_guard_truncate BEFORE TRUNCATE ON %I
                  FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_events()', name);
  RETURN true;
END
$$;

-- One record of append_audit_events as its fields, where some of them hold a separator.
CREATE FUNCTION split_escaped_audit_record(record text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
  SELECT replace(replace(replace(field, E'\x1d1', E'\x1e'), E'\x1d2', E'\x1f'), E'\x1d0', E'\x1d')
  FROM unnest(string_to_array(record, E'\x1f', '')) WITH ORDINALITY AS part (field, place) ORDER BY place);

-- One append: all of it or nothing. Answers `appended`; `stale` when a chain's head is not the one that the caller built
-- on; `duplicate` when an id is already stored. Anything else is an error, and nothing was written then either.
--
-- Each text is a list of records separated by U+001E, with fields separated by U+001F; an empty field is NULL.
-- (One text is split faster than JSON is parsed.) `escaped`: where a field held U+001D, U+001E or U+001F, these stand as
-- U+001D and `0`, `1`, `2`.
--   heads:  correlation_id, replaced_hash, chain_position, event_hash — sorted by correlation_id
--   ids:    event_id, event_date, chain_position, salt and submission_digest in hex — sorted by event_id
--   events: the columns of audit_events in the order of the INSERT below
-- head_count and event_count say how many heads, and how many ids and events, there are.
-- Heads come first and both lists are sorted, so that appends wait for each other and never deadlock.
CREATE FUNCTION append_audit_events(
  heads text, head_count integer, ids text, events text, event_count integer, escaped boolean) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  taken integer;
BEGIN
  INSERT INTO audit_chain_heads AS head (correlation_id, replaced_hash, chain_position, event_hash)
  SELECT f[1], f[2], f[3]::bigint, f[4]
  FROM string_to_table(heads, E'\x1e') AS record, LATERAL (
    SELECT CASE WHEN escaped THEN split_escaped_audit_record(record) ELSE string_to_array(record, E'\x1f', '') END AS f OFFSET 0
  ) AS fields
  WHERE f[2] IS NULL OR EXISTS (SELECT FROM audit_chain_heads AS known WHERE known.correlation_id = f[1])
  ON CONFLICT (correlation_id) DO UPDATE
    SET chain_position = excluded.chain_position, event_hash = excluded.event_hash, replaced_hash = excluded.replaced_hash
    WHERE head.event_hash = excluded.replaced_hash;
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> head_count THEN
    RAISE EXCEPTION 'stale' USING ERRCODE = 'KN001';
  END IF;

  INSERT INTO audit_event_ids (event_id, event_date, chain_position, salt, submission_digest)
  SELECT f[1]::uuid, f[2]::date, f[3]::bigint, decode(f[4], 'hex'), decode(f[5], 'hex')
  FROM string_to_table(ids, E'\x1e') AS record, LATERAL (SELECT string_to_array(record, E'\x1f', '') AS f OFFSET 0) AS fields
  ON CONFLICT (event_id) DO NOTHING;
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> event_count THEN
    RAISE EXCEPTION 'duplicate' USING ERRCODE = 'KN002';
  END IF;

  INSERT INTO audit_events (
    event_id, event_version, event_timestamp, event_date, event_type, event_category, event_action, event_outcome,
    actor_type, actor_id, resource_type, resource_id, correlation_id, parent_event_id, parent_event_date, namespace,
    cluster_name, event_data, severity, duration_ms, error_code, error_message, retention_days, is_sensitive,
    recorded_time, recorded_by, event_hash, previous_event_hash, chain_position)
  SELECT
    f[1]::uuid, f[2], f[3]::timestamptz, f[4]::date, f[5], f[6], f[7], f[8],
    f[9], f[10], f[11], f[12], f[13], f[14]::uuid, f[15]::date, f[16],
    f[17], f[18]::jsonb, f[19], f[20]::bigint, f[21], f[22], f[23]::integer, f[24]::boolean,
    f[25]::timestamptz, f[26], f[27], f[28], f[29]::bigint
  FROM string_to_table(events, E'\x1e') AS record, LATERAL (
    SELECT CASE WHEN escaped THEN split_escaped_audit_record(record) ELSE string_to_array(record, E'\x1f', '') END AS f OFFSET 0
  ) AS fields;
  RETURN 'appended';
EXCEPTION
  -- The block is a subtransaction: what it wrote is gone, and the answer is no error in the server's log.
  WHEN SQLSTATE 'KN001' THEN
    RETURN 'stale';
  WHEN SQLSTATE 'KN002' THEN
    RETURN 'duplicate';
END
$$;

-- Keys of up to `most` events of these days whose payload contains an object, by the GIN index and nothing else: the planner
-- cannot know how common an object is, and the caller takes another way where more than it wants are found.
CREATE FUNCTION find_audit_events(contained jsonb, first_day date, last_day date, most integer)
RETURNS TABLE (event_id uuid, event_date date)
LANGUAGE sql STABLE
SET enable_seqscan = off
SET enable_indexscan = off
AS $$
  SELECT event.event_id, event.event_date
  FROM audit_events AS event
  WHERE event.event_data @> contained AND event.event_date BETWEEN first_day AND last_day
  LIMIT most
$$;
