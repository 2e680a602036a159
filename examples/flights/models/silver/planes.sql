/*
description: One row for each plane.
checks:
  - not_null: tailnum
  - unique: tailnum
  - range: {column: seats, min: 1, max: 1000}
columns:
  tailnum: The plane's registration.
*/
SELECT
  tailnum,
  year AS year_built,
  type,
  manufacturer,
  model,
  engines,
  seats,
  speed AS cruising_speed_mph,
  engine
FROM bronze.planes
