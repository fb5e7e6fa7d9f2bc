"""The operator's directory (LDAP): who somebody is there, and which groups he is in."""
