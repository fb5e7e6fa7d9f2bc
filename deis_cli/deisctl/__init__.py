"""`deisctl`: what operators install and run the platform with."""
