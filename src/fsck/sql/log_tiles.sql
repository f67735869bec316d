-- Tiles of a level. Fields: index, hashes.
SELECT concat_ws(E'\x1f', tile_index, encode(hashes, 'hex')) AS text
FROM audit_log_tiles
WHERE level = $1::text::smallint
ORDER BY tile_index
