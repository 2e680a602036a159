"""Carry out a plan durably: journal, workers, children, events.

A line imports only lines below it; an import contract holds this.

workers/     who carries out runs: claim, steps, publish, ending; schedules; what upkeep is due
accept ...   what people and commands ask for, find, and are shown: accept, backfill, finding,
             account, following, watching, progress
operations/  what a child process does when it is asked; it never sees a journal
journals/    where a journal lies: SQLite, PostgreSQL, memory
children/    child processes: launched, confined, asked, ended
journal      the journal's ports, with control, logbook, outbox, timetable and ownership
rules        what every journal decides alike; failure: an error as JSON. Pure
records      the values that stand in a journal, and how they change
"""
