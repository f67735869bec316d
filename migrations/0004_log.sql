-- The log over all events: a gapless index, the Merkle tree over it, and what was signed of it (docs/integrity.md).

-- What is recorded and has no index yet: a row for each correlation of each append, written by the append itself. So what is
-- committed is found here whatever the order of commits, and no cursor can run past an append that commits late.
CREATE TABLE audit_log_pending (
  pending_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  correlation_id varchar(255) NOT NULL,
  first_position bigint NOT NULL,
  event_count integer NOT NULL,
  first_date date NOT NULL,
  last_date date NOT NULL,
  event_hashes bytea NOT NULL,
  recorded_time timestamptz NOT NULL,
  CONSTRAINT audit_log_pending_hashes CHECK (event_count >= 1 AND octet_length(event_hashes) = 32 * event_count)
);

COMMENT ON TABLE audit_log_pending IS 'Recorded events that have no log index yet. Rows of one chain come in the order of their pending_id.';
COMMENT ON COLUMN audit_log_pending.event_hashes IS '32 bytes for each event, from first_position on.';
COMMENT ON COLUMN audit_log_pending.recorded_time IS 'recorded_time of the first of them.';

-- Where each event stands in the log: consecutive places of a chain have consecutive places in the log. Outlives the events.
CREATE TABLE audit_log_runs (
  first_log_index bigint PRIMARY KEY,
  event_count integer NOT NULL,
  correlation_id varchar(255) NOT NULL,
  first_position bigint NOT NULL,
  first_date date NOT NULL,
  last_date date NOT NULL,
  salt bytea NOT NULL,
  CONSTRAINT audit_log_runs_bounds CHECK (first_log_index >= 0 AND event_count >= 1 AND first_position >= 1)
);

COMMENT ON TABLE audit_log_runs IS 'Which events stand where in the log: event_count places of a chain from first_position on, from first_log_index on.';
COMMENT ON COLUMN audit_log_runs.first_date IS 'Earliest event_date among them; with last_date it tells which partitions hold them.';
COMMENT ON COLUMN audit_log_runs.salt IS '16 random bytes, of which the salts of their entries are made.';

CREATE UNIQUE INDEX idx_audit_log_runs_chain ON audit_log_runs (correlation_id, first_position);

-- The tree as C2SP tlog-tiles cuts it. A tile that is not full yet grows in place.
CREATE TABLE audit_log_tiles (
  level smallint NOT NULL,
  tile_index bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (level, tile_index),
  CONSTRAINT audit_log_tiles_hashes CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0)
);

COMMENT ON TABLE audit_log_tiles IS 'Merkle tree hashes, 256 to a tile; level 0 holds the leaf hashes, each further level the roots of full tiles below.';

-- The entries themselves: 32 bytes each, in bundles of 256.
CREATE TABLE audit_log_entries (
  bundle_index bigint PRIMARY KEY,
  entries bytea NOT NULL,
  CONSTRAINT audit_log_entries_size CHECK (octet_length(entries) BETWEEN 32 AND 8192 AND octet_length(entries) % 32 = 0)
);

COMMENT ON TABLE audit_log_entries IS 'The log''s entries: salted commitments to events, 256 to a bundle. Nothing in them can be erased or need be.';

-- Hashes cannot be compressed; trying costs time.
ALTER TABLE audit_log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE audit_log_entries ALTER COLUMN entries SET STORAGE EXTERNAL;
ALTER TABLE audit_log_pending ALTER COLUMN event_hashes SET STORAGE EXTERNAL;

-- Each name under which the tree was signed. A log that was found to contradict what was signed of it goes on under another.
CREATE TABLE audit_log_origins (
  origin text PRIMARY KEY,
  number integer NOT NULL UNIQUE CHECK (number >= 1),
  opened_time timestamptz NOT NULL DEFAULT now(),
  opened_size bigint NOT NULL,
  predecessor_checkpoint text,
  contradicted_checkpoint text,
  reason text NOT NULL DEFAULT ''
);

COMMENT ON TABLE audit_log_origins IS 'The origins of the log''s checkpoints, in their order; the one with the greatest number is in use.';
COMMENT ON COLUMN audit_log_origins.opened_size IS 'Entries that the tree held when the origin was opened.';
COMMENT ON COLUMN audit_log_origins.predecessor_checkpoint IS 'Last checkpoint of the origin before, as the database had it.';
COMMENT ON COLUMN audit_log_origins.contradicted_checkpoint IS 'Checkpoint kept elsewhere that the tree contradicted, where there was one.';

-- Public keys, for good: what was signed with a key that is no longer used can still be checked.
CREATE TABLE audit_log_keys (
  verifier_key text PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('log', 'cosigner', 'export')),
  first_used_time timestamptz NOT NULL DEFAULT now(),
  last_used_time timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE audit_log_keys IS 'Every public key that has signed, as C2SP signed-note writes verifier keys.';

-- The last checkpoint of every hour, by origin.
CREATE TABLE audit_log_checkpoints (
  origin text NOT NULL,
  size bigint NOT NULL,
  root bytea NOT NULL,
  note text NOT NULL,
  signed_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (origin, size)
);

COMMENT ON TABLE audit_log_checkpoints IS 'Signed checkpoints: the last of every hour, and the last of all.';

CREATE TABLE audit_log_state (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL,
  signed_origin text,
  signed_size bigint NOT NULL DEFAULT 0 CHECK (signed_size BETWEEN 0 AND size),
  signed_root bytea,
  signed_note text,
  published_size bigint NOT NULL DEFAULT 0 CHECK (published_size BETWEEN 0 AND signed_size),
  published_note text,
  published_time timestamptz
);

COMMENT ON TABLE audit_log_state IS 'One row: how far the log has come.';
COMMENT ON COLUMN audit_log_state.size IS 'Events that have an index: 0 up to size - 1.';
COMMENT ON COLUMN audit_log_state.root IS 'Root of the Merkle tree of that size.';
COMMENT ON COLUMN audit_log_state.signed_note IS 'Latest checkpoint that was signed; it leaves the service only after it is kept outside of the database.';
COMMENT ON COLUMN audit_log_state.published_note IS 'Latest checkpoint that has left the service, with its cosignatures.';

-- The root of the empty tree is the hash of nothing (RFC 6962, 2.1).
INSERT INTO audit_log_state (size, root) VALUES (0, sha256(''));

-- Appends under way are waited for, so that what comes below sees all of them. Those that wait for the lock were planned with the
-- function as it was, which tells the log nothing of its events: the column's new name stops them, and they are sent again.
LOCK TABLE audit_chain_heads IN ACCESS EXCLUSIVE MODE;
ALTER TABLE audit_chain_heads RENAME COLUMN replaced_hash TO previous_hash;

-- As it was in 0001, and besides: what is stored is noted for the log.
CREATE OR REPLACE FUNCTION append_audit_events(
  heads text, head_count integer, ids text, events text, event_count integer, escaped boolean) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  taken integer;
BEGIN
  INSERT INTO audit_chain_heads AS head (correlation_id, previous_hash, chain_position, event_hash)
  SELECT f[1], f[2], f[3]::bigint, f[4]
  FROM string_to_table(heads, E'\x1e') AS record, LATERAL (
    SELECT CASE WHEN escaped THEN split_escaped_audit_record(record) ELSE string_to_array(record, E'\x1f', '') END AS f OFFSET 0
  ) AS fields
  WHERE f[2] IS NULL OR EXISTS (SELECT FROM audit_chain_heads AS known WHERE known.correlation_id = f[1])
  ON CONFLICT (correlation_id) DO UPDATE
    SET chain_position = excluded.chain_position, event_hash = excluded.event_hash, previous_hash = excluded.previous_hash
    WHERE head.event_hash = excluded.previous_hash;
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

  -- Within an append the places of a chain are consecutive: one row tells of all of them.
  WITH stored AS (
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
    ) AS fields
    RETURNING correlation_id, chain_position, event_date, event_hash, recorded_time
  )
  INSERT INTO audit_log_pending (
    correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
  SELECT correlation_id, min(chain_position), count(*), min(event_date), max(event_date),
    string_agg(decode(event_hash, 'hex'), '' ORDER BY chain_position), min(recorded_time)
  FROM stored
  GROUP BY correlation_id;
  RETURN 'appended';
EXCEPTION
  -- The block is a subtransaction: what it wrote is gone, and the answer is no error in the server's log.
  WHEN SQLSTATE 'KN001' THEN
    RETURN 'stale';
  WHEN SQLSTATE 'KN002' THEN
    RETURN 'duplicate';
END
$$;

-- What was recorded before there was a log, a thousand places of a chain to a row.
INSERT INTO audit_log_pending (
  correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
SELECT correlation_id, min(chain_position), count(*), min(event_date), max(event_date),
  string_agg(decode(event_hash, 'hex'), '' ORDER BY chain_position), min(recorded_time)
FROM audit_events
GROUP BY correlation_id, (chain_position - 1) / 1000
ORDER BY min(recorded_time), correlation_id, min(chain_position);

-- Gives an index to what is pending, in one statement: all of it or nothing. Answers `advanced`; `stale` when the log is not of
-- the size that the caller built on, or a pending row is gone: somebody else has advanced it.
--
-- For each of pending_ids, in the order of the log: first_log_indexes, and in salts its 16 bytes. Tiles and bundles come whole
-- and replace what is there, as 32 bytes for each hash or entry: tile_hashes and bundle_entries one after the other, with how
-- many each holds in tile_counts and bundle_counts.
CREATE FUNCTION advance_audit_log(
  expected_size bigint, new_size bigint, new_root bytea,
  pending_ids bigint[], first_log_indexes bigint[], salts bytea,
  tile_levels smallint[], tile_indexes bigint[], tile_counts integer[], tile_hashes bytea,
  bundle_indexes bigint[], bundle_counts integer[], bundle_entries bytea) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  taken integer;
BEGIN
  UPDATE audit_log_state SET size = new_size, root = new_root WHERE size = expected_size;
  IF NOT FOUND THEN
    RETURN 'stale';
  END IF;

  WITH wanted AS (
    SELECT id, first_log_index, substring(salts FROM 1 + 16 * (place::integer - 1) FOR 16) AS salt
    FROM unnest(pending_ids, first_log_indexes) WITH ORDINALITY AS want (id, first_log_index, place)
  ), taken_rows AS (
    DELETE FROM audit_log_pending WHERE pending_id = ANY (pending_ids)
    RETURNING pending_id, event_count, correlation_id, first_position, first_date, last_date
  )
  INSERT INTO audit_log_runs (first_log_index, event_count, correlation_id, first_position, first_date, last_date, salt)
  SELECT wanted.first_log_index, event_count, correlation_id, first_position, first_date, last_date, wanted.salt
  FROM taken_rows JOIN wanted ON wanted.id = taken_rows.pending_id
  ORDER BY wanted.first_log_index;
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> cardinality(pending_ids) THEN
    RAISE EXCEPTION 'stale' USING ERRCODE = 'KN005';
  END IF;

  INSERT INTO audit_log_tiles (level, tile_index, hashes)
  SELECT level, tile_index, substring(tile_hashes FROM (1 + 32 * (ending - hash_count))::integer FOR 32 * hash_count)
  FROM (
    SELECT level, tile_index, hash_count, sum(hash_count) OVER (ORDER BY place) AS ending
    FROM unnest(tile_levels, tile_indexes, tile_counts) WITH ORDINALITY AS tile (level, tile_index, hash_count, place)
  ) AS placed
  ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes;

  INSERT INTO audit_log_entries (bundle_index, entries)
  SELECT bundle_index, substring(bundle_entries FROM (1 + 32 * (ending - entry_count))::integer FOR 32 * entry_count)
  FROM (
    SELECT bundle_index, entry_count, sum(entry_count) OVER (ORDER BY place) AS ending
    FROM unnest(bundle_indexes, bundle_counts) WITH ORDINALITY AS bundle (bundle_index, entry_count, place)
  ) AS placed
  ON CONFLICT (bundle_index) DO UPDATE SET entries = excluded.entries;

  PERFORM pg_notify('audit_log', new_size::text);
  RETURN 'advanced';
EXCEPTION
  WHEN SQLSTATE 'KN005' THEN
    RETURN 'stale';
END
$$;

-- Keeps a signed checkpoint: before it leaves the service. Answers `signed`; `stale` when a larger tree was signed already, the
-- origin is no longer in use, or the same size was signed with another root (which is never answered with `signed`).
CREATE FUNCTION sign_audit_log(origin_signed text, size_signed bigint, root_signed bytea, note text) RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE audit_log_state
  SET signed_origin = origin_signed, signed_size = size_signed, signed_root = root_signed, signed_note = note
  WHERE size_signed <= size
    AND origin_signed = (SELECT origin FROM audit_log_origins ORDER BY number DESC LIMIT 1)
    AND (signed_origin IS DISTINCT FROM origin_signed OR signed_size < size_signed
      OR (signed_size = size_signed AND signed_root = root_signed));
  IF NOT FOUND THEN
    RETURN 'stale';
  END IF;
  DELETE FROM audit_log_checkpoints AS kept
  WHERE kept.origin = origin_signed AND kept.size < size_signed AND date_trunc('hour', kept.signed_time) = date_trunc('hour', now());
  INSERT INTO audit_log_checkpoints AS kept (origin, size, root, note)
  VALUES (origin_signed, size_signed, root_signed, sign_audit_log.note)
  ON CONFLICT (origin, size) DO UPDATE SET note = excluded.note, signed_time = excluded.signed_time;
  RETURN 'signed';
END
$$;

-- The checkpoint that the world is to see. Never goes back, save under a new origin.
CREATE FUNCTION publish_audit_log(origin_signed text, size_published bigint, note text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE audit_log_state
  SET published_size = size_published, published_note = note, published_time = now()
  WHERE signed_origin = origin_signed AND size_published <= signed_size
    AND (published_size <= size_published OR published_note IS NULL);
  RETURN FOUND;
END
$$;

-- Goes on under a new origin: what was signed so far stays what it is, and the new origin's row says what it follows. Answers
-- `opened`; `known` when the origin was used before (no origin is used twice).
CREATE FUNCTION open_audit_log_origin(new_origin text, contradicted text, reason text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  state audit_log_state;
BEGIN
  SELECT * INTO state FROM audit_log_state FOR UPDATE;
  INSERT INTO audit_log_origins (origin, number, opened_size, predecessor_checkpoint, contradicted_checkpoint, reason)
  SELECT new_origin, coalesce(max(number), 0) + 1, state.size, coalesce(state.published_note, state.signed_note),
    contradicted, coalesce(open_audit_log_origin.reason, '')
  FROM audit_log_origins
  ON CONFLICT (origin) DO NOTHING;
  IF NOT FOUND THEN
    RETURN 'known';
  END IF;
  UPDATE audit_log_state
  SET signed_origin = NULL, signed_size = 0, signed_root = NULL, signed_note = NULL,
    published_size = 0, published_note = NULL, published_time = NULL;
  RETURN 'opened';
END
$$;
