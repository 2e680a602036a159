/*
description: One row for each airport.
checks:
  - not_null: [airport, name]
  - unique: airport
  - range: {column: latitude, min: -90, max: 90}
  - range: {column: longitude, min: -180, max: 180}
columns:
  airport: Airport code of FAA.
*/
SELECT
  faa AS airport,
  name,
  lat AS latitude,
  lon AS longitude,
  alt AS altitude_feet,
  tz AS utc_offset_hours,
  tzone AS time_zone
FROM bronze.airports
