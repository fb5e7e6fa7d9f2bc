"""Everything that is SQL: the pool, migrations, one module of functions per table family.

Nobody else imports asyncpg. A function takes a connection first and is named for its question or
its act; it never opens a transaction: the use case does (`Database.transaction`), the leader by
`control.fenced`.
"""
