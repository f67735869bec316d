-- Keys that checkpoints are signed with.
SELECT verifier_key, purpose FROM audit_log_keys WHERE purpose IN ('log', 'cosigner') ORDER BY first_used_time, verifier_key
