/*
description: One row for each day with orders.
checks:
  - not_null: day
  - unique: day
  - range: {column: revenue, min: 0}
columns:
  day: The day on which the orders were made.
  orders: How many orders, returned ones among them.
  customers: How many different customers.
  revenue: Sum of the orders that were not returned, in euros.
*/
SELECT
  order_date AS day,
  count(*) AS orders,
  count(DISTINCT customer_id) AS customers,
  sum(quantity) AS pieces,
  sum(CASE WHEN status = 'returned' THEN 0 ELSE amount END) AS revenue
FROM silver.orders
GROUP BY order_date
