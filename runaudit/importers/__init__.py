"""How foreign runs come in; each yields runs whose gaps are marked unknown."""
