"""What ``mien architecture`` writes about an estimate: a picture, a table, a record and a page."""
