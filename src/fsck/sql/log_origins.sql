-- Origins in their order, and where they should stand in it.
SELECT origin, number, row_number() OVER (ORDER BY number) AS place, contradicted_checkpoint IS NOT NULL AS contradicted
FROM audit_log_origins
ORDER BY number
