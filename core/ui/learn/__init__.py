"""The Learn page: lessons as data, and the component that asks them on Play's plane."""
