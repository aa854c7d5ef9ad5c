"""Images learned so that networks see in them what they see in real images: DM, DC, DSA."""
