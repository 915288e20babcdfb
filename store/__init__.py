"""The store: the only room that speaks SQL; SQLite embedded, PostgreSQL for a country."""
