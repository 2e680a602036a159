"""What a child process does when it is asked: each operation takes JSON and gives JSON.

Nothing here knows the journal: what a step needs of it is told with the request.
"""
