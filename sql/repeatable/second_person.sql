-- Who grants what somebody else asked for.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- People of the group approvers, and nobody what he asked for himself. The operator, whose role is
-- the worker's, asks, and cannot grant: it may not write these columns.
CREATE OR REPLACE FUNCTION may_approve() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'group:approvers' = ANY (
        nullif(current_setting('roadworthy.subjects', true), '')::text[]);
DROP POLICY IF EXISTS approver ON approval;
CREATE POLICY approver ON approval FOR SELECT TO roadworthy_app USING ((SELECT may_approve()));
DROP POLICY IF EXISTS grants ON approval;
CREATE POLICY grants ON approval FOR UPDATE TO roadworthy_app
    USING ((SELECT may_approve()) AND asked_by <> (SELECT current_user_id()) AND granted_by IS NULL)
    WITH CHECK (granted_by = (SELECT current_user_id()));
-- What was done stays done: no grant is used twice.
DROP POLICY IF EXISTS used ON approval;
CREATE POLICY used ON approval AS RESTRICTIVE FOR UPDATE TO roadworthy_worker
    USING (used_at IS NULL) WITH CHECK (used_at IS NOT NULL);
DROP POLICY IF EXISTS definer ON approval;
CREATE POLICY definer ON approval TO CURRENT_USER USING (tenant_id = (SELECT current_tenant()));
