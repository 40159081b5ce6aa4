"""`python -m cdp clusters …`: make and look at clusters."""

from __future__ import annotations

from cdp import parts
from cdp.clusters import members, model, update

HELP = "clusters of shoppers who behave alike: update, list"

__all__ = ["HELP", "add_arguments", "parts", "run"]


def add_arguments(parser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True)
    now = actions.add_parser("update", help="assign everybody, after training where it is time")
    now.add_argument("--refit", action="store_true", help="train a new model in any case")
    actions.add_parser("list", help="the clusters in force, and where the report lies")


def run(options) -> int:
    """Do it; 0."""
    if options.action == "update":
        print(update.update(refit=options.refit))
    card = model.card()
    if card is None:
        print("no model yet: python -m cdp clusters update")
        return 0
    print(f"{card['version']}: {card['verdict']}, trained on {card['data']['people']} people")
    for one in members.all_clusters():
        print(f"{one.size:>9}  {one.number}\t{one.name}")
    print(f"report: {model.folder() / card['version'] / 'report.html'}")
    return 0
