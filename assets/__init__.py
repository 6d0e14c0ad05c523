"""Built-in heads, avatars, weights and demo speech; README.md and NOTICE beside this file tell origins and licences."""
