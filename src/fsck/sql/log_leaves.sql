-- Bundles of entries with the tiles of their leaf hashes. Fields: index, entries, leaf hashes.
SELECT concat_ws(E'\x1f',
  coalesce(bundle.bundle_index, tile.tile_index),
  coalesce(encode(bundle.entries, 'hex'), ''), coalesce(encode(tile.hashes, 'hex'), '')) AS text
FROM audit_log_entries AS bundle
FULL JOIN (SELECT tile_index, hashes FROM audit_log_tiles WHERE level = 0) AS tile ON tile.tile_index = bundle.bundle_index
ORDER BY coalesce(bundle.bundle_index, tile.tile_index)
