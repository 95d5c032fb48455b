"""The 2010 report, run again on real data: its experiments, one a file, and the page that tells their results."""
