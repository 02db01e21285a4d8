"""Videos that show how a title was judged, for a person who wants to see why."""
