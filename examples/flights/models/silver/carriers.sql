/*
description: One row for each carrier.
checks:
  - not_null: [carrier, name]
  - unique: carrier
*/
SELECT carrier, name FROM bronze.airlines
