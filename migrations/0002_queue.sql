-- What PostgreSQL keeps of the queue in Valkey: who may drain it, and which queue it was.

CREATE TABLE audit_queue_drain (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  fence bigint NOT NULL,
  epoch text NOT NULL
);

COMMENT ON TABLE audit_queue_drain IS 'Who may drain the queue in Valkey: one row, once it was drained.';
COMMENT ON COLUMN audit_queue_drain.fence IS 'Number of the latest drainer: what an earlier one still sends is refused.';
COMMENT ON COLUMN audit_queue_drain.epoch IS 'Random name of the queue drained last: another one means that Valkey was emptied or replaced.';

-- Makes the caller the one drainer. Waits for the append under way of the drainer before, whose later ones are refused.
CREATE FUNCTION take_audit_queue(new_epoch text, OUT fence bigint, OUT previous_epoch text)
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO audit_queue_drain AS drain (fence, epoch) VALUES (1, new_epoch)
  ON CONFLICT (singleton) DO UPDATE SET fence = drain.fence + 1, epoch = excluded.epoch
  RETURNING new.fence, old.epoch;
END;

-- append_audit_events for events from the queue: answers `fenced`, and writes nothing, where another drainer has taken over.
CREATE FUNCTION append_queued_audit_events(
  drainer bigint, heads text, head_count integer, ids text, events text, event_count integer, escaped boolean) RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
  -- The lock keeps a new drainer waiting until this append has ended one way or the other.
  PERFORM FROM audit_queue_drain WHERE fence = drainer FOR SHARE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;
  RETURN append_audit_events(heads, head_count, ids, events, event_count, escaped);
END
$$;
