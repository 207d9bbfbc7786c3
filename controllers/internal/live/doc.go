// Package live takes the steps of plans that go by subresources against an API server, under both namings: built-in kinds, and
// custom resources on the same server. What they do with a model of a server is tested where they are.
package live
