-- Events of the default partition, by month.
SELECT date_trunc('month', event_date)::date AS month, count(*) AS events
FROM audit_events_default
GROUP BY 1
ORDER BY 1
