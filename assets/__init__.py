"""Built-in heads, avatars, weights and demo speech; licences and origins are in README.md and NOTICE beside this file."""
