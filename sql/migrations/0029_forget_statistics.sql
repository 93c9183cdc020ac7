-- A column that is told to keep no statistics keeps those that were made before. What drops them
-- came with PostgreSQL 18.
DO $$
DECLARE
    silent record;
BEGIN
    IF to_regprocedure('pg_clear_attribute_stats(text, text, text, boolean)') IS NULL THEN
        RETURN;
    END IF;
    FOR silent IN
        SELECT n.nspname, c.relname, a.attname
          FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                                 JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attstattarget = 0
    LOOP
        EXECUTE format('SELECT pg_clear_attribute_stats(%L, %L, %L, false)',
                       silent.nspname, silent.relname, silent.attname);
    END LOOP;
END $$;

-- A person of that name would read what is the operator's, or of those who were deleted.
ALTER TABLE principal ADD CONSTRAINT principal_name_is_free
    CHECK (user_id NOT IN ('operator', '(deleted)')) NOT VALID;
