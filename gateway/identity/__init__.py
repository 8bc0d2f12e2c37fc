"""Who is who across hospitals: traits, blocking, comparison, model, decision, clusters. Knows no store and no HTTP."""
