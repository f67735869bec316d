-- Every checkpoint that is kept, in the order of the trees.
SELECT size, name, origin, encode(root, 'hex') AS root, note
FROM (
  SELECT size, 'checkpoint of size ' || size AS name, origin, root, note FROM audit_log_checkpoints
  UNION ALL
  SELECT signed_size, 'signed checkpoint', signed_origin, signed_root, signed_note
  FROM audit_log_state WHERE signed_note IS NOT NULL
  UNION ALL
  SELECT published_size, 'published checkpoint', signed_origin, NULL, published_note
  FROM audit_log_state WHERE published_note IS NOT NULL
) AS kept
ORDER BY size, name
