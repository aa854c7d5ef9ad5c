"""Images chosen from the train split: covers, greedy and random choices."""
