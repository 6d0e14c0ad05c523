"""How somebody moves: styles by name, learned of examples, told in words."""
