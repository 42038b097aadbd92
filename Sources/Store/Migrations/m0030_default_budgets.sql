-- Without a row, and where a row names neither calls nor a share, Ferry's own default holds; a row may give only a ceiling.
ALTER TABLE ferry.api_budgets
    DROP CONSTRAINT "a budget is either daily_calls or daily_share",
    ADD CONSTRAINT "a budget is daily_calls or daily_share, not both" CHECK (num_nonnulls(daily_calls, daily_share) <= 1);
