"""Clusters: groups of people who behave alike, found by machine learning, named, and kept steady.

features    what of a profile goes in, and how it is written
fit         how many groups there are, whether they are real, and their centres
naming      their names, from what sets them apart
limits      what a way of grouping has to fulfil
words       the same in English
model       the model as it is kept, under `var/models/clusters/`
report      its card as a page, with pictures
tables      who is in which cluster
update      the daily job: train where it is time, assign everybody

Only people who allow analytics take part, and nobody under 14: clusters are made for marketing.
"""
