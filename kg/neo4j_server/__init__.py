"""A Neo4j server for development and tests, built from its published Java artifacts."""
