-- A statement can end its transaction. What has to be so before a commit is asked in a statement then, and the commit
-- sent along with it, without waiting for the answer.

CREATE FUNCTION give_up(error text, why text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', why USING ERRCODE = error;
END
$$;
COMMENT ON FUNCTION give_up IS
    'Ends the transaction that calls it. The error is a condition''s name: serialization_failure if it is worth another try.';
