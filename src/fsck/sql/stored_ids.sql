-- Those of these ids that are stored, with what tells a repeat from a conflict.
SELECT event_id, encode(salt, 'hex') AS salt, encode(submission_digest, 'hex') AS submission_digest
FROM audit_event_ids
WHERE event_id IN (SELECT jsonb_array_elements_text($1::text::jsonb)::uuid)
