"""The query language: text becomes a tree, the tree becomes functions, which are applied to items."""
