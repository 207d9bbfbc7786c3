// Package gen builds objects for tests, in sentences:
//
//	gen.Deployment("web", gen.Replicas(3), gen.Image("nginx:2"), gen.Surge("25%"))
//
// What it builds carries the defaults that the API server would set, as far as loops look at them. It is for tests only.
package gen
