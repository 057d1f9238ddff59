"""The networks. Blocks take plain numbers and know nothing of configs, data or training, so each can be tested alone."""
