"""The knowledge graph: what the shop knows and what changes slowly.

Content (seed files or a shop's own feed) is validated as a whole, published as a version, and read
through named Cypher queries on one of two engines: Neo4j, or LadybugDB embedded. Prices and stock
are not here: they change by the minute and live in `shop`.
"""
