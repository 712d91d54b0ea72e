-- The first wave belongs to imports: marks that files bring along are older than any that is set here.

SELECT setval('mark_waves', GREATEST((SELECT last_value FROM mark_waves), 1));
