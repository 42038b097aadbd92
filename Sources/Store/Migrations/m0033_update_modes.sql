-- Modes that decide a conflict by field (R63), and blanks by mapping (R68).
ALTER TABLE ferry.field_mappings
    DROP CONSTRAINT "update mode: always, fill_blank, sf_to_ac, ac_to_sf or never",
    ADD CONSTRAINT "the update mode is one of the words that the README lists"
        CHECK (update_mode IN ('always', 'fill_blank', 'sf_to_ac', 'ac_to_sf', 'never',
            'ac_wins', 'newest_field', 'prefer_sf_unless_blank')),
    -- A pull does not read the accounts of ActiveCampaign it is about to write.
    ADD CONSTRAINT "ac_wins and newest_field are for contacts and leads"
        CHECK (object IN ('contact', 'lead') OR update_mode NOT IN ('ac_wins', 'newest_field')),
    -- Null leaves it to sync_settings.clear_blanks.
    ADD COLUMN copy_blank boolean;
