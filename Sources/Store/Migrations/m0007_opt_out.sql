-- E-mail opt-out travels both ways whatever the field mapping says (R79 to R84).
ALTER TABLE ferry.sync_settings ADD COLUMN sync_opt_out boolean NOT NULL DEFAULT true;
