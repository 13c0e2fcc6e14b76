"""Other views, bone maps and bone suppression from one radiograph."""
