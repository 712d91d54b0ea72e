DROP TABLE standing_clock;
