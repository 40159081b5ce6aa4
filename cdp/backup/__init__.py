"""Backup and restore of everything that `var/` and the databases hold, in one archive.

archive      the file: checksums, a manifest, nothing half written
sqlite       snapshots of SQLite files in use
postgresql   a consistent dump of a PostgreSQL database, and loading it, without other programs
sealed       keys, encrypted by `QUDAO_BACKUP_KEY`
place        what of `var/` belongs into a backup
make         making one, while the shop is open
restore      putting one back, while it is closed
"""
