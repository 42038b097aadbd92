-- Whether a budget has to be set anew because Redis lost it: then calls may have been made that nobody has stored.
ALTER TABLE ferry.budget_changes ADD COLUMN after_loss boolean NOT NULL DEFAULT false;
