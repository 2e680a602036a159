/*
description: One row for each airport and hour.
checks:
  - not_null: [airport, observed_hour]
  - unique: [airport, observed_hour]
  - range: {column: humidity_percent, min: 0, max: 100}
  - range: {column: visibility_miles, min: 0}
columns:
  airport: Airport code of FAA.
  observed_hour: When the hour of the observation begins.
*/
SELECT
  origin AS airport,
  time_hour AS observed_hour,
  temp AS temperature_f,
  dewp AS dew_point_f,
  humid AS humidity_percent,
  wind_dir AS wind_direction_degrees,
  wind_speed AS wind_speed_mph,
  wind_gust AS wind_gust_mph,
  precip AS precipitation_inches,
  pressure AS pressure_millibars,
  visib AS visibility_miles
FROM bronze.weather
