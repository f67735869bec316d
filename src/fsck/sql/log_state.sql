-- How far the log has come.
SELECT size, encode(root, 'hex') AS root, signed_origin FROM audit_log_state
