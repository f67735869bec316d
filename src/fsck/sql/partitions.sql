-- audit_events and whatever is, or by its name should be, one of its partitions, with the triggers that guard it.
SELECT
  class.relname AS name,
  pg_get_expr(class.relpartbound, class.oid) AS bounds,
  class.relispartition AS attached,
  (
    SELECT coalesce(string_agg(wanted, ' ' ORDER BY wanted), '')
    FROM unnest(ARRAY['audit_events_guard', 'audit_events_guard_truncate']) AS wanted
    WHERE NOT EXISTS (
      SELECT FROM pg_trigger AS guard
      WHERE guard.tgrelid = class.oid AND guard.tgname = wanted AND guard.tgenabled IN ('O', 'A')
        AND guard.tgfoid = 'guard_audit_events()'::regprocedure)
  ) AS missing_guards
FROM pg_class AS class
WHERE class.relnamespace = 'public'::regnamespace
  AND (class.relname IN ('audit_events', 'audit_events_default') OR class.relname ~ '^audit_events_\d{4}_\d{2}$'
    OR class.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_events'::regclass))
  AND class.relkind IN ('r', 'p')
ORDER BY class.relname
