/*
description: One row for each airport and kind of weather - how late flights leave in it.
checks:
  - unique: [origin, weather]
  - not_null: [origin, weather]
  - row_count: {min: 3}
columns:
  weather: The worst that was observed in the hour of the scheduled departure.
  mean_departure_delay: In minutes, of the flights that left.
  delayed_percent: Share of the flights that left more than 15 minutes late.
  cancelled_percent: Share of the flights that never left.
*/
WITH observed AS (
  SELECT
    f.origin,
    CASE
      WHEN w.airport IS NULL THEN 'not observed'
      WHEN w.visibility_miles < 1 THEN 'fog'
      WHEN w.precipitation_inches >= 0.1 THEN 'heavy rain or snow'
      WHEN w.precipitation_inches > 0 THEN 'light rain or snow'
      WHEN w.wind_speed_mph >= 25 THEN 'strong wind'
      ELSE 'fair'
    END AS weather,
    f.departure_delay_minutes,
    f.is_cancelled
  FROM silver.flights AS f
  LEFT JOIN silver.weather AS w
    ON w.airport = f.origin AND w.observed_hour = f.scheduled_hour
)
SELECT
  origin,
  weather,
  count(*) AS flights,
  round(
    CAST(sum(departure_delay_minutes) AS DECIMAL(18, 2))
      / nullif(count(departure_delay_minutes), 0), 1
  ) AS mean_departure_delay,
  round(
    100.0 * sum(CASE WHEN departure_delay_minutes > 15 THEN 1 ELSE 0 END)
      / nullif(count(departure_delay_minutes), 0), 1
  ) AS delayed_percent,
  round(100.0 * sum(CASE WHEN is_cancelled THEN 1 ELSE 0 END) / count(*), 1) AS cancelled_percent
FROM observed
GROUP BY origin, weather
