/*
description: One row for each carrier and month - how many flights, how late, how often cancelled.
checks:
  - unique: [carrier, flight_month]
  - expression: cancelled <= flights
  - range: {column: late_percent, min: 0, max: 100}
columns:
  mean_departure_delay: In minutes, of the flights that left.
  mean_arrival_delay: In minutes, of the flights that arrived.
  late_percent: Share of the flights that arrived more than 15 minutes late.
*/
SELECT
  f.carrier,
  f.flight_month,
  c.name AS carrier_name,
  count(*) AS flights,
  sum(CASE WHEN f.is_cancelled THEN 1 ELSE 0 END) AS cancelled,
  round(
    CAST(sum(f.departure_delay_minutes) AS DECIMAL(18, 2))
      / nullif(count(f.departure_delay_minutes), 0), 1
  ) AS mean_departure_delay,
  round(
    CAST(sum(f.arrival_delay_minutes) AS DECIMAL(18, 2))
      / nullif(count(f.arrival_delay_minutes), 0), 1
  ) AS mean_arrival_delay,
  round(
    100.0 * sum(CASE WHEN f.arrival_delay_minutes > 15 THEN 1 ELSE 0 END)
      / nullif(count(f.arrival_delay_minutes), 0), 1
  ) AS late_percent
FROM silver.flights AS f
LEFT JOIN silver.carriers AS c ON c.carrier = f.carrier
GROUP BY f.carrier, f.flight_month, c.name
