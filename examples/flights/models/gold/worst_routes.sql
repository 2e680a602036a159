/*
description: One row for each route with 100 flights or more, the one with the longest delays first.
checks:
  - unique: [origin, destination]
  - not_null: worst_rank
  - range: {column: flights, min: 100}
columns:
  worst_rank: 1 is the route with the longest mean delay on arrival.
  mean_arrival_delay: In minutes, of the flights that arrived.
  late_percent: Share of the flights that arrived more than 15 minutes late.
  cancelled_percent: Share of the flights that never left.
*/
WITH routes AS (
  SELECT
    origin,
    destination,
    count(*) AS flights,
    round(
      CAST(sum(arrival_delay_minutes) AS DECIMAL(18, 2))
        / nullif(count(arrival_delay_minutes), 0), 1
    ) AS mean_arrival_delay,
    round(
      100.0 * sum(CASE WHEN arrival_delay_minutes > 15 THEN 1 ELSE 0 END)
        / nullif(count(arrival_delay_minutes), 0), 1
    ) AS late_percent,
    round(
      100.0 * sum(CASE WHEN is_cancelled THEN 1 ELSE 0 END) / count(*), 1
    ) AS cancelled_percent
  FROM silver.flights
  GROUP BY origin, destination
)
SELECT
  rank() OVER (ORDER BY r.mean_arrival_delay DESC NULLS LAST) AS worst_rank,
  r.origin,
  r.destination,
  a.name AS destination_name,
  r.flights,
  r.mean_arrival_delay,
  r.late_percent,
  r.cancelled_percent
FROM routes AS r
LEFT JOIN silver.airports AS a ON a.airport = r.destination
WHERE r.flights >= 100
