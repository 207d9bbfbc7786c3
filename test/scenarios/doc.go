// Package scenarios tells what Deployments do, once, and holds every way of running the control plane to it.
//
// A scenario is a list of steps in a table. It runs against three targets: the embedded API server under Kubernetes' names, the
// same under the second names, and a plain upstream API server in processes of its own, which knows our kinds as custom
// resources only. The loops, the scheduler and simulated nodes run in the process of the test; in the tests of faults
// they reach the API server through a proxy that delays, refuses and loses answers.
//
// Nothing here looks at how a loop works: only at what is stored, and at what was ever seen on the way.
package scenarios
