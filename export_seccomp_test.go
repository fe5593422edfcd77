package initscript

// SeccompGroups are for the tests that read policies in the plain way.
var SeccompGroups = seccompGroups
