-- Prometheus is told what all tenants have spent today, every 15 seconds; the key leads with the tenant.

CREATE INDEX spending_of_day ON spending (day);
