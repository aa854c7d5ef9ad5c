"""Maps of the train images: 2-D coordinates, true memberships in pixel space, and the separation of classes."""
