// Package auditlog has an API server write down who asked for what, and reads what of it our components were refused and which
// of their rights they used.
package auditlog
