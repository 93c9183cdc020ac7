-- Whose message is sent next is found by leaping from tenant to tenant, within each origin.

DROP INDEX webhook_due;
CREATE INDEX webhook_due ON webhook (origin, tenant_id, run_at) WHERE state = 'waiting';
CREATE INDEX webhook_claimed_of_tenant
    ON webhook (origin, tenant_id, claimed_at) WHERE claimed_at IS NOT NULL;
