"""A copy of all data of one person, for that person (PIPL Art. 45).

contents what there is, section by section; other parts add theirs with `section`
page     the same as a page to read, beside JSON for machines
links    signed links that end, and what they open
"""

from cdp.export.contents import gather, section
from cdp.export.links import ExportGone, files, links, open_export

__all__ = ["ExportGone", "files", "gather", "links", "open_export", "section"]
