"""The table of condensation methods: one line a method, one file a method."""
