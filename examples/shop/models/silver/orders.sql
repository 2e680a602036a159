/*
description: One row for each order, in its newest version.
write: merge
key: order_id
latest_by: updated_at
checks:
  - not_null: [order_id, customer_id, ordered_at]
  - unique: order_id
  - accepted_values: {column: status, values: [new, paid, shipped, delivered, returned]}
  - range: {column: quantity, min: 1, max: 1000}
  - expression: amount >= 0
  - referential: {column: customer_id, to: silver.customers.customer_id, severity: warn}
columns:
  order_id: The order's number.
  customer_id: Who ordered.
  order_date: The day on which it was ordered.
  amount: Price of all pieces together, in euros.
*/
SELECT
  order_id,
  customer_id,
  ordered_at,
  CAST(ordered_at AS DATE) AS order_date,
  updated_at,
  status,
  quantity,
  unit_price,
  CAST(quantity * unit_price AS DECIMAL(14, 2)) AS amount,
  note
FROM bronze.orders
