"""The page in a real browser: against the app itself, and against a scripted API for what the app seldom does."""
