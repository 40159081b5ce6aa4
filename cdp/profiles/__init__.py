"""Profiles: what is known of one person, folded from their events, as far as they allow it.

fold        one event into a body; one body into another
touches     first and last touch, and their channel (`channels.yml`)
orders      each counted once
interests   newest products, affinities that fade
view        with what follows from it on a day: RFM, shares
store       the table; rebuilt from events, merged, taken back
"""

from cdp import identity, withdrawal
from cdp.profiles import store
from cdp.profiles.fold import combine, fold
from cdp.profiles.store import follow, forget, get, load, rebuild, rebuild_many
from cdp.profiles.view import view

__all__ = [
    "combine",
    "fold",
    "follow",
    "forget",
    "get",
    "load",
    "rebuild",
    "rebuild_many",
    "view",
]

identity.listen(follow)
withdrawal.on("analytics", store.take_back, name="profiles.analytics")
