"""What a handful of numbers can and cannot say. Plain numbers in, a judgement in words out; knows nothing of runs.

The unit of replication is one training run (one seed). Images, tiles and sequences are averaged inside the run before
they come here, because treating them as replicates makes a 5 % test wrong 75 % of the time (measured: paired t over 100
test images of one seed). The judge lives in `judge.py`, the vocabulary in `values.py`.
"""
