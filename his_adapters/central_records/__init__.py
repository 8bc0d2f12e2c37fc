"""Central records of several hospitals: patients, doctors, visits and lab reports, in MySQL or as CSV landing zone."""
