-- A statement can end its transaction. What has to be so before a commit is asked in a statement then, and the commit
-- sent along with it, without waiting for the answer.

CREATE FUNCTION give_up(why text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', why USING ERRCODE = 'serialization_failure';
END
$$;
COMMENT ON FUNCTION give_up IS
    'Ends the transaction that calls it with a serialization failure: somebody else was faster, try again.';
