/*
description: One row for each customer who has ordered - how often, for how much, since when.
checks:
  - unique: customer_id
  - range: {column: orders, min: 1}
  - row_count: {min: 1}
columns:
  orders: How many orders, returned ones among them.
  returned_orders: How many of them were returned.
  revenue: Sum of the orders that were not returned, in euros.
*/
WITH ordered AS (
  SELECT
    customer_id,
    count(*) AS orders,
    sum(CASE WHEN status = 'returned' THEN 1 ELSE 0 END) AS returned_orders,
    sum(CASE WHEN status = 'returned' THEN 0 ELSE amount END) AS revenue,
    min(ordered_at) AS first_ordered_at,
    max(ordered_at) AS last_ordered_at
  FROM silver.orders
  GROUP BY customer_id
)
SELECT
  o.customer_id,
  c.name,
  c.country,
  o.orders,
  o.returned_orders,
  o.revenue,
  o.first_ordered_at,
  o.last_ordered_at
FROM ordered AS o
LEFT JOIN silver.customers AS c ON c.customer_id = o.customer_id
