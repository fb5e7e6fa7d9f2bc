"""`deisctl database …`: a database that is older than the cluster's store."""
