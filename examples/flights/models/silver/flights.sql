/*
description: One row for each scheduled flight. Times without a zone are New York's.
checks:
  - not_null: [carrier, flight, origin, destination, scheduled_departure, scheduled_hour]
  - unique: [carrier, flight, origin, scheduled_hour]
  - accepted_values: {column: origin, values: [EWR, JFK, LGA]}
  - range: {column: departure_delay_minutes, min: -120, max: 1440}
  - expression: is_cancelled = (departure IS NULL)
  - referential: {column: carrier, to: silver.carriers.carrier, severity: warn}
  - referential: {column: destination, to: silver.airports.airport, severity: warn}
columns:
  flight_month: First day of the month of the scheduled departure.
  departure: When it left; none if it was cancelled.
  is_cancelled: Whether it never left.
  scheduled_hour: The hour of the scheduled departure, as an instant; weather is known by it.
*/
WITH timed AS (
  SELECT
    *,
    make_date(year, month, day) AS flight_date,
    hour * 60 + minute + dep_delay AS departure_minute
  FROM bronze.flights
)
SELECT
  carrier,
  flight,
  tailnum,
  origin,
  dest AS destination,
  flight_date,
  make_date(year, month, 1) AS flight_month,
  CAST(concat(
    CAST(flight_date AS STRING), ' ',
    lpad(CAST(hour AS STRING), 2, '0'), ':',
    lpad(CAST(minute AS STRING), 2, '0'), ':00'
  ) AS TIMESTAMP_NTZ) AS scheduled_departure,
  CAST(concat(
    CAST(date_add(flight_date, CAST(departure_minute DIV 1440 AS INT)) AS STRING), ' ',
    lpad(CAST(departure_minute % 1440 DIV 60 AS STRING), 2, '0'), ':',
    lpad(CAST(departure_minute % 60 AS STRING), 2, '0'), ':00'
  ) AS TIMESTAMP_NTZ) AS departure,
  dep_time IS NULL AS is_cancelled,
  dep_delay AS departure_delay_minutes,
  arr_delay AS arrival_delay_minutes,
  air_time AS air_time_minutes,
  distance AS distance_miles,
  time_hour AS scheduled_hour
FROM timed
