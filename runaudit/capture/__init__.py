"""How a run seals itself: what went in is captured and sealed before the first step, what came out when it ends."""
