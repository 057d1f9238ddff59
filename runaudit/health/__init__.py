"""One trajectory: does it show that the training failed, where, how sure is that, and what is worth trying."""
