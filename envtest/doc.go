// Package envtest runs a control plane inside a Go test: no binaries to download, no ports to choose.
//
// [Environment] has the fields and methods of the type of the same name in controller-runtime, so a suite that uses
// that one changes an import and nothing else:
//
//	testEnv := &envtest.Environment{CRDDirectoryPaths: []string{"../config/crd/bases"}}
//	config, err := testEnv.Start()
//	...
//	err = testEnv.Stop()
//
// Besides, it has switches for what controller-runtime's has not: with Controllers a Deployment rolls out, an owned
// object is collected and a namespace goes away; with Scheduler and SimulatedNodes its pods get a node and run.
//
// With Faults requests of these parts go wrong when a test says so, and Kill ends one of them in the middle of its work: see [Faults],
// which any client can be made to meet.
//
// A test waits for no state and sleeps for no time. [Environment.Settle] returns when all is at rest, so that what is to be asserted holds
// already, or never will; the error says what is still at work. With a Clock, time stands still until [Environment.Advance] moves it, from
// one thing that is due to the next: an hour takes as long as what happens in it. Loops of the test's own are waited for and live by that time
// in a manager of [Environment.NewManager], added with [Environment.LoopOptions]:
//
//	te := &envtest.Environment{Controllers: true, Scheduler: true, SimulatedNodes: 1, Clock: envtest.NewClock(time.Time{})}
//	...
//	create(job)                            // with ttlSecondsAfterFinished: 600
//	err := te.Advance(ctx, 11*time.Minute) // it has run, and is gone
//
// A manager gets the rights of its roles alone by [Environment.Prove]: then the test fails if it was refused a request, or has a right that it
// did not use. Package rbac is for that, on any API server.
//
// It promises that several environments run side by side in one process, that nothing of an environment is left when
// Stop has returned, and that Stop always returns. Data is kept in a temporary directory and never waits for the disk.
//
// What runs in the same process shares Kubernetes' global variables: feature gates set for one environment hold for
// all. For the same reason the output of the control plane is klog's output of the whole process: unless
// AttachControlPlaneOutput is set, the first environment turns off its informational part.
//
// A suite of many small tests should start one environment in TestMain, by [Main], and give each test a namespace of
// its own, by [Environment.Namespace]: a start takes one to three seconds, a namespace a few milliseconds.
package envtest
