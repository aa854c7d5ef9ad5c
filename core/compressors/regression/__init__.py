"""Methods that learn images by regression on the features of networks."""
