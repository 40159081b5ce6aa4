"""What the console's pages show: queries over events, people and consent, bounded in their cost.

overview    events over time, by kind and source; people and channels
live        the newest events, as they come in
customers   finding people
person      one person, with their time line
refusals    what was refused, and what could not be processed
consents    what was allowed and withdrawn
messages    what was, is and will be sent
requests    what shoppers asked to be done with their data
"""
