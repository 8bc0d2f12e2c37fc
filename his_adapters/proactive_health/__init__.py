"""ProactiveHealth, a hospital group's ERP: 22 staging tables as CSV files that went through a spreadsheet."""
