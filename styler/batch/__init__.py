"""Many renders: from a manifest or globs to jobs, from jobs to pictures, with a ledger of what is done."""
