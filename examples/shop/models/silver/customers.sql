/*
description: One row for each customer, as last delivered.
write: merge
key: customer_id
latest_by: signed_up_at
checks:
  - not_null: customer_id
  - unique: customer_id
  - expression: {sql: "email LIKE '%@%'", severity: warn}
columns:
  customer_id: The customer's number.
  country: Two letters of ISO 3166.
  signed_up_at: The day of the first visit.
*/
SELECT
  customer_id,
  trim(name) AS name,
  lower(email) AS email,
  upper(country) AS country,
  signed_up_at
FROM bronze.customers
