-- The first wave belongs to imports: marks that files bring along are older than any that is set here.

-- safe: the sequence only moves on, and who draws from it wants nothing but a higher number
SELECT setval('mark_waves', GREATEST((SELECT last_value FROM mark_waves), 1));
