"""The one HTTP application: the storefront with its chat, and what other packages mount in it."""
