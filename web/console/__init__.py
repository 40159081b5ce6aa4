"""The console: what the shop's own people see and do with customer data, behind a login.

roles      who may do what
tables, accounts, sessions, lockout   logging in
guard      what every page asks first; frame: what every page looks like
overview, customers, events, sources, segments, hooks, figures, messages, operations,
staff        the pages
router     all of them, under /console
"""
