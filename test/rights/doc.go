// Package rights shows on an API server that our components may do what they have to, and nothing besides: its tests run
// every controller, the scheduler and nodes under their own identities, and read in the audit log who was refused what.
package rights
