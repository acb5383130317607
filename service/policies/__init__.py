"""The policies that decide: where they come from, who signed them, when they are loaded again."""
