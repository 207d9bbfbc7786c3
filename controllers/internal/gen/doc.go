// Package gen builds objects for tests, in sentences:
//
//	gen.Deployment("web", gen.Replicas(3), gen.Image("nginx:2"), gen.Surge("25%"))
//
// Workloads, and the policies about them, carry all defaults that the API server would set; pods, nodes and Services those that
// loops look at. It is for tests only.
package gen
