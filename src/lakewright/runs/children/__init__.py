"""Child processes: how they are started, confined, asked, watched and ended."""
