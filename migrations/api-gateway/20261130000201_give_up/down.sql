DROP FUNCTION give_up (text, text);
