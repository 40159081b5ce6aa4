"""Feeds: a shop's own catalogue, brought into content.

Each format's module turns a file into `FeedRow`s (kg/feeds/row.py); kg/feeds/merge.py puts those
into content. Nothing here publishes.
"""
