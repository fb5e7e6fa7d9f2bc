"""The logger: receives the lines of all apps, keeps them in one file each, and answers for them.

receive.py   connections and datagrams -> frames
pump.py      frames -> store, batched; acknowledges what is on disk
store.py     one append-only file per app, in segments (segments.py), without duplicates
             (positions.py)
tail.py      the last lines of an app, read from the end
query.py     GET and DELETE over HTTP
server.py    all of it together
client.py    the way to it for the API and for events
"""
